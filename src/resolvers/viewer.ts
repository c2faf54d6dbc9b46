/** `viewer`: who the key of the request is, and what it may do. */
import { Authorized, Ctx as Context, Field, FieldResolver, ObjectType, Query, Resolver, Root } from 'type-graphql';
import type { Ctx } from '../ctx';
import { SCOPES, type Scope } from '../domain/scope';
import { ApiKey } from '../entities/api-key';
import { Service } from '../entities/service';
import { apiKeyById, serviceById } from './loaders';

@ObjectType({ description: 'Who the key of this request is, and what it may do.' })
export class Viewer {
  @Field(() => [SCOPES], { description: 'What the key may do.' })
  scopes!: Scope[];

  apiKeyId!: string;
  serviceId!: string | null;
}

@Resolver(() => Viewer)
export class ViewerResolver {
  @Authorized()
  @Query(() => Viewer, {
    nullable: true,
    description: 'Who the key of this request is, and what it may do. Any key may ask.',
  })
  viewer(@Context() { actor }: Ctx): Viewer {
    return { scopes: [...actor.scopes], apiKeyId: actor.apiKeyId ?? '', serviceId: actor.serviceId };
  }

  @FieldResolver(() => ApiKey, { description: 'The key itself, without its secret.' })
  apiKey(@Root() viewer: Viewer, @Context() ctx: Ctx): Promise<ApiKey | null> {
    return apiKeyById(ctx).load(viewer.apiKeyId);
  }

  @FieldResolver(() => Service, {
    nullable: true,
    description: 'The service the key is bound to; null for a key of the whole installation.',
  })
  async service(@Root() viewer: Viewer, @Context() ctx: Ctx): Promise<Service | null> {
    return viewer.serviceId === null ? null : serviceById(ctx).load(viewer.serviceId);
  }
}
