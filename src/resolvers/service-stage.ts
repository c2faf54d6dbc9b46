/** Moving a service between its stages in GraphQL. */
import { Arg, Authorized, Ctx as Context, Field, InputType, Mutation, ObjectType, Resolver } from 'type-graphql';
import type { Ctx } from '../ctx';
import { Service, ServiceStage } from '../entities/service';
import { setServiceStage } from '../services/service-stage';

@InputType({ description: 'The stage a service moves to.' })
export class SetServiceStageInput {
  @Field(() => String, {
    nullable: true,
    description: 'Service code; needed only with a key of the whole installation.',
  })
  service?: string | null;

  @Field(() => ServiceStage, {
    description:
      'LIVE hands its contracts to Odoo from the start of their open periods on; leaving LIVE is possible while Odoo has billed nothing.',
  })
  stage!: ServiceStage;

  @Field(() => String, { description: 'Why, 1 to 1,000 characters; it goes into the audit entry.' })
  reason!: string;
}

@ObjectType({ description: 'The service in its new stage.' })
export class SetServiceStagePayload {
  @Field(() => Service, { description: 'The service as it stands now.' })
  service!: Service;
}

@Resolver(() => SetServiceStagePayload)
export class ServiceStageResolver {
  @Authorized('admin')
  @Mutation(() => SetServiceStagePayload, {
    nullable: true,
    description: 'Moves a service to another stage, and so decides who bills its contracts. Scope admin.',
  })
  async setServiceStage(
    @Context() ctx: Ctx,
    @Arg('input', () => SetServiceStageInput, { description: 'The service and its stage.' })
    input: SetServiceStageInput,
  ): Promise<SetServiceStagePayload> {
    return { service: await setServiceStage(ctx, input) };
  }
}
