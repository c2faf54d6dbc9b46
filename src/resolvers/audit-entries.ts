/** The audit log in GraphQL. */
import {
  Args,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  ID,
  InputType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { AuditEntry } from '../entities/audit-entry';
import { Service } from '../entities/service';
import { type AuditEntryOrder as AuditEntryOrderName, listAuditEntries } from '../services/audit';
import {
  connectionType,
  orderEnum,
  toConnection,
  type Connection,
  type ListArguments,
  listArguments,
} from './connection';
import { serviceById } from './loaders';

const AuditEntryConnection = connectionType(AuditEntry, 'AuditEntry');

const AuditEntryOrder = orderEnum<AuditEntryOrderName>('AuditEntryOrder', 'audit entries', {
  AT_ASC: 'As the changes were made, the first one first.',
  AT_DESC: 'As the changes were made, the newest first.',
});

@InputType({ description: 'Which entries are wanted; what is left out does not narrow.' })
export class AuditEntryFilter {
  @Field(() => String, { nullable: true, description: 'Service code.' })
  service?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Who made the change: the id of a key, `env`, `cli:<user>` or `job:<name>`.',
  })
  actor?: string | null;

  @Field(() => String, { nullable: true, description: 'What happened: "metric.created".' })
  action?: string | null;

  @Field(() => String, { nullable: true, description: 'Kind of the thing that changed: "metric".' })
  subjectType?: string | null;

  @Field(() => ID, { nullable: true, description: 'Id of the thing that changed.' })
  subjectId?: string | null;

  @Field(() => Date, { nullable: true, description: 'Changes made at this instant or later.' })
  from?: string | null;

  @Field(() => Date, { nullable: true, description: 'Changes made before this instant.' })
  to?: string | null;
}

const AuditEntriesArguments = listArguments({
  filter: AuditEntryFilter,
  description: 'Which entries are wanted.',
  order: AuditEntryOrder,
  byDefault: 'AT_DESC',
});

@Resolver(() => AuditEntry)
export class AuditEntriesResolver {
  @Authorized('admin')
  @Query(() => AuditEntryConnection, {
    description: 'Who changed what. Scope admin; a key of a service sees the entries of its service.',
  })
  async auditEntries(
    @Context() ctx: Ctx,
    @Args(() => AuditEntriesArguments)
    { filter, orderBy, ...page }: ListArguments<AuditEntryFilter, AuditEntryOrderName>,
  ): Promise<Connection<AuditEntry>> {
    return toConnection(await listAuditEntries(ctx, filter ?? {}, { order: orderBy, page }));
  }

  @FieldResolver(() => Service, {
    nullable: true,
    description: 'The service concerned; null for what concerns the whole installation.',
  })
  async service(@Root() entry: AuditEntry, @Context() ctx: Ctx): Promise<Service | null> {
    return entry.serviceId === null ? null : serviceById(ctx).load(entry.serviceId);
  }
}
