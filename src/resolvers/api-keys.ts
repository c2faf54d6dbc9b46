/** API keys in GraphQL. */
import {
  Arg,
  Args,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { SCOPES, type Scope } from '../domain/scope';
import { ApiKey } from '../entities/api-key';
import { Service } from '../entities/service';
import { createApiKey, listApiKeys, revokeApiKey, rotateApiKey } from '../services/api-keys';
import { connectionType, PageArguments, toConnection, type Connection } from './connection';
import { serviceById } from './loaders';

const ApiKeyConnection = connectionType(ApiKey, 'ApiKey');

@InputType({ description: 'A key to make. It can have no scope that the asking key lacks.' })
export class CreateApiKeyInput {
  @Field(() => String, {
    nullable: true,
    description:
      "Code of the service to bind it to. Left out: the asking key's own service, or with a key of the whole installation, the whole installation.",
  })
  service?: string | null;

  @Field(() => String, {
    description: 'For people, 1 to 200 characters; `env` is kept for the key of the environment.',
  })
  name!: string;

  @Field(() => [SCOPES], { description: 'What it may do; at least one.' })
  scopes!: Scope[];

  @Field(() => Date, {
    nullable: true,
    description: 'From this instant on it is refused; left out: it does not expire.',
  })
  expiresAt?: string | null;
}

@InputType({ description: 'Which key to rotate, and how.' })
export class RotateApiKeyInput {
  @Field(() => ID, { description: 'Id of the key.' })
  id!: string;

  @Field(() => Int, {
    defaultValue: 24,
    description: 'For how many hours the old secret still works, 0 to 720; never beyond its own expiry.',
  })
  overlapHours!: number;

  @Field(() => Date, {
    nullable: true,
    description: 'When the new key expires; left out: when the old one would have before it was rotated.',
  })
  expiresAt?: string | null;
}

@InputType({ description: 'Which key to revoke.' })
export class RevokeApiKeyInput {
  @Field(() => ID, { description: 'Id of the key.' })
  id!: string;
}

@ObjectType({ description: 'The key made, with its secret.' })
export class CreateApiKeyPayload {
  @Field(() => ApiKey, { description: 'The key made.' })
  apiKey!: ApiKey;

  @Field(() => String, { description: 'What callers send as `Authorization: Bearer …`. Shown this once.' })
  secret!: string;
}

@ObjectType({ description: 'The new key with its secret, and the old one.' })
export class RotateApiKeyPayload extends CreateApiKeyPayload {
  @Field(() => ApiKey, { description: 'The old key, with the end of its overlap as `expiresAt`.' })
  previous!: ApiKey;
}

@ObjectType({ description: 'The key revoked.' })
export class RevokeApiKeyPayload {
  @Field(() => ApiKey, { description: 'The key, refused from now on.' })
  apiKey!: ApiKey;
}

@Resolver(() => ApiKey)
export class ApiKeysResolver {
  @Authorized('admin')
  @Query(() => ApiKeyConnection, {
    description:
      'Keys, the revoked ones included, the oldest first. Scope admin; a key of a service sees those of its service.',
  })
  async apiKeys(
    @Context() ctx: Ctx,
    @Args(() => PageArguments) page: PageArguments,
    @Arg('service', () => String, { nullable: true, description: 'Code of the service whose keys are wanted.' })
    service: string | null = null,
  ): Promise<Connection<ApiKey>> {
    return toConnection(await listApiKeys(ctx, service, page));
  }

  @Authorized('admin')
  @Mutation(() => CreateApiKeyPayload, { nullable: true, description: 'Makes a key. Scope admin.' })
  createApiKey(
    @Context() ctx: Ctx,
    @Arg('input', () => CreateApiKeyInput, { description: 'The key to make.' }) input: CreateApiKeyInput,
  ): Promise<CreateApiKeyPayload> {
    return createApiKey(ctx, input);
  }

  @Authorized('admin')
  @Mutation(() => RotateApiKeyPayload, {
    nullable: true,
    description: 'Makes a new secret for the same rights; the old one works until the overlap ends. Scope admin.',
  })
  rotateApiKey(
    @Context() ctx: Ctx,
    @Arg('input', () => RotateApiKeyInput, { description: 'Which key, and how.' }) input: RotateApiKeyInput,
  ): Promise<RotateApiKeyPayload> {
    return rotateApiKey(ctx, input);
  }

  @Authorized('admin')
  @Mutation(() => RevokeApiKeyPayload, {
    nullable: true,
    description: 'Refuses a key from now on, for good. Revoking it again changes nothing. Scope admin.',
  })
  revokeApiKey(
    @Context() ctx: Ctx,
    @Arg('input', () => RevokeApiKeyInput, { description: 'Which key.' }) input: RevokeApiKeyInput,
  ): Promise<RevokeApiKeyPayload> {
    return revokeApiKey(ctx, input);
  }

  @FieldResolver(() => Service, {
    nullable: true,
    description: 'The service it is bound to; null for a key of the whole installation.',
  })
  async service(@Root() apiKey: ApiKey, @Context() ctx: Ctx): Promise<Service | null> {
    return apiKey.serviceId === null ? null : serviceById(ctx).load(apiKey.serviceId);
  }
}
