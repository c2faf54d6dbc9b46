/** The audit log in GraphQL. */
import { Arg, Args, Authorized, Ctx as Context, Field, ID, InputType, Query, Resolver } from 'type-graphql';
import type { Ctx } from '../ctx';
import { AuditEntry } from '../entities/audit-entry';
import { listAuditEntries } from '../services/audit';
import { connectionType, PageArguments, toConnection, type Connection } from './connection';

const AuditEntryConnection = connectionType(AuditEntry, 'AuditEntry');

@InputType({ description: 'Which entries are wanted; what is left out does not narrow.' })
export class AuditEntryFilter {
  @Field(() => String, { nullable: true, description: 'Service code.' })
  service?: string | null;

  @Field(() => ID, { nullable: true, description: 'Id of the thing that changed.' })
  subjectId?: string | null;

  @Field(() => String, { nullable: true, description: 'What happened: "metric.created".' })
  action?: string | null;
}

@Resolver(() => AuditEntry)
export class AuditEntriesResolver {
  @Authorized('admin')
  @Query(() => AuditEntryConnection, {
    description: 'Who changed what, the newest first. Scope admin; a key of a service sees the entries of its service.',
  })
  async auditEntries(
    @Context() ctx: Ctx,
    @Args(() => PageArguments) page: PageArguments,
    @Arg('filter', () => AuditEntryFilter, { nullable: true, description: 'Which entries are wanted.' })
    filter: AuditEntryFilter | null = null,
  ): Promise<Connection<AuditEntry>> {
    return toConnection(await listAuditEntries(ctx, filter ?? {}, page));
  }
}
