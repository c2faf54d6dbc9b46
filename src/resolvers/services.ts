/** Services in GraphQL. */
import {
  Arg,
  Args,
  Authorized,
  Ctx as Context,
  Field,
  InputType,
  Mutation,
  ObjectType,
  Query,
  Resolver,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { Service, ServiceStage } from '../entities/service';
import { createService, listServices, type CreateServiceInput as CreateService } from '../services/catalog-services';
import { connectionType, PageArguments, toConnection, type Connection } from './connection';

const ServiceConnection = connectionType(Service, 'Service');

@InputType({ description: 'A service to make.' })
export class CreateServiceInput implements CreateService {
  @Field(() => String, {
    description: 'Unique, never changed: 1 to 63 lower-case letters, digits, - and _, a letter or digit first.',
  })
  code!: string;

  @Field(() => String, { description: 'For people, 1 to 200 characters.' })
  name!: string;

  @Field(() => ServiceStage, {
    defaultValue: ServiceStage.SHADOW,
    description: 'Where it begins; LIVE lets Odoo bill from the first period on.',
  })
  stage!: ServiceStage;
}

@ObjectType({ description: 'The service made.' })
export class CreateServicePayload {
  @Field(() => Service, { description: 'The service made.' })
  service!: Service;
}

@Resolver(() => Service)
export class ServicesResolver {
  @Authorized('catalog:read')
  @Query(() => ServiceConnection, {
    description: 'The services the key may see, the oldest first. Scope catalog:read.',
  })
  async services(@Context() ctx: Ctx, @Args(() => PageArguments) page: PageArguments): Promise<Connection<Service>> {
    return toConnection(await listServices(ctx, page));
  }

  @Authorized('admin')
  @Mutation(() => CreateServicePayload, {
    nullable: true,
    description: 'Makes a service. Scope admin, with a key of the whole installation.',
  })
  createService(
    @Context() ctx: Ctx,
    @Arg('input', () => CreateServiceInput, { description: 'The service to make.' }) input: CreateServiceInput,
  ): Promise<CreateServicePayload> {
    return createService(ctx, input);
  }
}
