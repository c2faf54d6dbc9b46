/** Who changed what: entries are written in the transaction they describe, and never changed. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { parseInstant } from '../domain/parse';
import { AuditEntry } from '../entities/audit-entry';
import { given, searchable, visibleServiceIdOrAll } from './access';
import { fetchPage, orders, type Page, type PageArgs } from './page';

export interface AuditRecord {
  /** What happened, `<noun>.<participle>`: "metric.created". */
  action: string;
  /** Table of the subject: "metric". */
  subjectType: string;
  subjectId: string;
  /** The service concerned; null for what concerns the whole installation. */
  serviceId: string | null;
  /** What a reader needs to understand the change; never a secret. */
  details?: Record<string, unknown>;
}

/** Adds one entry in `tx`, at `ctx.now`, by `ctx.actor`. */
export async function writeAudit(
  tx: EntityManager,
  ctx: Pick<Ctx, 'now' | 'actor'>,
  record: AuditRecord,
): Promise<void> {
  await writeAudits(tx, ctx, [record]);
}

/** Adds an entry for each of `records`, in their order. */
export async function writeAudits(
  tx: EntityManager,
  ctx: Pick<Ctx, 'now' | 'actor'>,
  records: readonly AuditRecord[],
): Promise<void> {
  if (records.length === 0) return;
  await tx.query(
    `insert into audit_entry (at, actor, action, subject_type, subject_id, service_id, details)
     select $1, $2, r.action, r.subject_type, r.subject_id, r.service_id, r.details
       from rows from (json_to_recordset($3) as (action text, subject_type text, subject_id text, service_id uuid, details jsonb))
            with ordinality as r(action, subject_type, subject_id, service_id, details, place)
      order by r.place`,
    [
      ctx.now,
      ctx.actor.name,
      JSON.stringify(
        records.map(({ action, subjectType, subjectId, serviceId, details }) => ({
          action,
          subject_type: subjectType,
          subject_id: subjectId,
          service_id: serviceId,
          details: details ?? {},
        })),
      ),
    ],
  );
}

export interface AuditEntryFilter {
  service?: string | null;
  subjectType?: string | null;
  subjectId?: string | null;
  action?: string | null;
  /** As entries print it. */
  actor?: string | null;
  /** `[from, to)`. */
  from?: string | null;
  to?: string | null;
}

const ORDERS = orders('AT', [{ sql: 'entry.id', type: 'bigint' }]);
export type AuditEntryOrder = keyof typeof ORDERS;

/** What changed in a service, or wherever the caller may look. */
export async function listAuditEntries(
  ctx: Ctx,
  filter: AuditEntryFilter,
  { order, page }: { order: AuditEntryOrder; page: PageArgs },
): Promise<Page<AuditEntry>> {
  const serviceId = await visibleServiceIdOrAll(ctx, filter.service);
  const query = ctx.db.createQueryBuilder(AuditEntry, 'entry');
  const narrow = (name: string, condition: string, value: unknown): void => {
    if (value !== null && value !== undefined) query.andWhere(condition, { [name]: value });
  };
  narrow('serviceId', 'entry.service_id = :serviceId', serviceId);
  narrow('subjectType', 'entry.subject_type = :subjectType', given(filter.subjectType, searchable));
  narrow('subjectId', 'entry.subject_id = :subjectId', given(filter.subjectId, searchable));
  narrow('action', 'entry.action = :action', given(filter.action, searchable));
  narrow('actor', 'entry.actor = :actor', given(filter.actor, searchable));
  const from = given(filter.from, (text) => parseInstant(text, 'from'));
  narrow('from', 'entry.at >= :from', from);
  const to = given(filter.to, (text) => parseInstant(text, 'to'));
  narrow('to', 'entry.at < :to', to);
  return fetchPage(query, ORDERS[order], page);
}
