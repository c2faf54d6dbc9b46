/** Services in GraphQL. */
import {
  Arg,
  Args,
  ArgsType,
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
import {
  archiveService,
  createService,
  listServices,
  updateService,
  type CreateServiceInput as CreateService,
} from '../services/catalog-services';
import { ARCHIVED_FILTER, connectionType, PageArguments, toConnection, type Connection } from './connection';

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

@InputType({ description: 'What to change of a service; what is left out stays as it is.' })
export class UpdateServiceInput {
  @Field(() => String, {
    nullable: true,
    description: 'Service code; needed only with a key of the whole installation.',
  })
  service?: string | null;

  @Field(() => String, { nullable: true, description: 'For people, 1 to 200 characters; cannot be cleared.' })
  name?: string | null;
}

@InputType({ description: 'The service to take out of use.' })
export class ArchiveServiceInput {
  @Field(() => String, {
    nullable: true,
    description: 'Service code; needed only with a key of the whole installation.',
  })
  service?: string | null;
}

@ObjectType({ description: 'The service made.' })
export class CreateServicePayload {
  @Field(() => Service, { description: 'The service made.' })
  service!: Service;
}

@ObjectType({ description: 'The service changed.' })
export class UpdateServicePayload {
  @Field(() => Service, { description: 'The service as it stands now.' })
  service!: Service;
}

@ObjectType({ description: 'The service taken out of use.' })
export class ArchiveServicePayload {
  @Field(() => Service, { description: 'The service as it stands now.' })
  service!: Service;
}

@ArgsType()
export class ServicesArguments extends PageArguments {
  @Field(() => Boolean, { nullable: true, description: ARCHIVED_FILTER })
  archived?: boolean | null;
}

@Resolver(() => Service)
export class ServicesResolver {
  @Authorized('catalog:read')
  @Query(() => ServiceConnection, {
    description: 'The services the key may see, the oldest first. Scope catalog:read.',
  })
  async services(
    @Context() ctx: Ctx,
    @Args(() => ServicesArguments) filter: ServicesArguments,
  ): Promise<Connection<Service>> {
    return toConnection(await listServices(ctx, filter, filter));
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

  @Authorized('catalog:write')
  @Mutation(() => UpdateServicePayload, {
    nullable: true,
    description: 'Changes what is given of a service. Scope catalog:write.',
  })
  updateService(
    @Context() ctx: Ctx,
    @Arg('input', () => UpdateServiceInput, { description: 'The service, and what to change.' })
    input: UpdateServiceInput,
  ): Promise<UpdateServicePayload> {
    return updateService(ctx, input);
  }

  @Authorized('admin')
  @Mutation(() => ArchiveServicePayload, {
    nullable: true,
    description:
      'Takes a service out of use, once none of its charges is in use. It stays readable; usage that counts before now is still taken, later usage and anything new is refused with CONFLICT. Archiving it again changes nothing. Scope admin.',
  })
  archiveService(
    @Context() ctx: Ctx,
    @Arg('input', () => ArchiveServiceInput, { description: 'The service.' }) input: ArchiveServiceInput,
  ): Promise<ArchiveServicePayload> {
    return archiveService(ctx, input);
  }
}
