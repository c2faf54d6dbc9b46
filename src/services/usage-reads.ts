/**
 * Reading the ledger: one record by its key, pages of records, and what became of records since they were recorded. Voids
 * are no records of their own here: they show on what they took out. A service sees its own rows only.
 */
import { In } from 'typeorm';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import { parseInstant } from '../domain/parse';
import { type UnassignedReason, UsageRecord } from '../entities/usage-record';
import { asUuid, given, searchable, visibleServiceId, visibleServiceIdOrAll } from './access';
import { fetchPage, orders, type Page, type PageArgs } from './page';

export interface UsageRecordFilter {
  service?: string | null;
  account?: string | null;
  contractId?: string | null;
  metrics?: readonly string[] | null;
  /** Counted at or after. */
  countedFrom?: string | null;
  /** Counted before. */
  countedTo?: string | null;
  unassigned?: boolean | null;
  late?: boolean | null;
  voided?: boolean | null;
}

const RECORDED = { sql: 'record.id', type: 'bigint' } as const;

/** Ids rise in the order of recording: no index of its own is needed for when a record was received. */
const ORDERS = {
  ...orders('COUNTED_AT', [{ sql: 'record.counted_at', type: 'timestamptz' }, RECORDED]),
  ...orders('RECEIVED_AT', [RECORDED]),
};
export type UsageRecordOrder = keyof typeof ORDERS;

/** The record a key belongs to; null when the key is free, or was used for a void. */
export async function usageRecordByKey(
  ctx: Ctx,
  { service, idempotencyKey }: { service?: string | null; idempotencyKey: string },
): Promise<UsageRecord | null> {
  const serviceId = await visibleServiceId(ctx, service);
  if (idempotencyKey.includes('\0')) return null;
  return ctx.db.getRepository(UsageRecord).findOneBy({ serviceId, idempotencyKey, kind: 'USAGE' });
}

/** Records by id; those of other services are left out. */
export async function usageRecordsByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, UsageRecord>> {
  if (ids.length === 0) return new Map();
  const own = ctx.actor.serviceId === null ? {} : { serviceId: ctx.actor.serviceId };
  const records = await ctx.db.getRepository(UsageRecord).findBy({ id: In([...new Set(ids)]), kind: 'USAGE', ...own });
  return new Map(records.map((record) => [record.id, record]));
}

/**
 * The newest assignment of a record, or of a correction of it, if there is one: where it counts instead of where it was
 * recorded. Corrections move nothing.
 */
const NEWEST_ASSIGNMENT = (column: string): string =>
  `(select a.${column} from usage_assignment a
     where a.record_id = record.id or a.record_id in (select c.id from usage_record c where c.root = record.id)
     order by a.id desc limit 1)`;
/** Where a `record` counts. */
export const CONTRACT = `coalesce(${NEWEST_ASSIGNMENT('contract_id')}, record.contract_id)`;
const IS_LATE = `coalesce(${NEWEST_ASSIGNMENT('late')}, record.late)`;

/**
 * A page of records. Names that nothing has give an empty page.
 * @throws BillingError VALIDATION_FAILED naming `countedFrom`, `countedTo`, `first` or `after`; NOT_FOUND naming `service`.
 */
export async function usageRecords(
  ctx: Ctx,
  filter: UsageRecordFilter,
  { order, page }: { order: UsageRecordOrder; page: PageArgs },
): Promise<Page<UsageRecord>> {
  const serviceId = await visibleServiceIdOrAll(ctx, filter.service);
  const query = ctx.db.getRepository(UsageRecord).createQueryBuilder('record').where(`record.kind = 'USAGE'`);
  const narrow = (name: string, condition: string, value: unknown): void => {
    if (value !== null && value !== undefined) query.andWhere(condition, { [name]: value });
  };
  narrow('serviceId', 'record.serviceId = :serviceId', serviceId);
  narrow(
    'account',
    'record.accountLinkId in (select l.id from account_link l where l.account = :account)',
    given(filter.account, searchable),
  );
  narrow(
    'metrics',
    'record.metricId in (select m.id from metric m where m.code = any(:metrics))',
    given(filter.metrics, (codes) => codes.map(searchable)),
  );
  narrow(
    'from',
    'record.countedAt >= :from',
    given(filter.countedFrom, (text) => parseInstant(text, 'countedFrom')),
  );
  narrow(
    'to',
    'record.countedAt < :to',
    given(filter.countedTo, (text) => parseInstant(text, 'countedTo')),
  );
  // Each branch has its index; joined by `or` they would have none.
  narrow(
    'contractId',
    `record.id in (
       select r.id from usage_record r where r.contract_id = :contractId
       union select coalesce(r.root, r.id) from usage_assignment a join usage_record r on r.id = a.record_id
        where a.contract_id = :contractId) and ${CONTRACT} = :contractId`,
    given(filter.contractId, (id) => asUuid(id, 'contract', 'contractId')),
  );
  narrow('unassigned', `(${CONTRACT} is null) = :unassigned`, filter.unassigned);
  narrow('late', `${IS_LATE} = :late`, filter.late);
  const isVoided = `exists (select 1 from usage_record v where v.root = record.id and v.kind = 'VOID')`;
  narrow('voided', `${isVoided} = :voided`, filter.voided);
  return fetchPage(query, ORDERS[order], page);
}

/** What became of a record since it was recorded, and how its window lies to the periods. */
export interface UsageRecordState {
  /** The contract it counts for; null while unassigned. */
  contractId: string | null;
  /** Set exactly while `contractId` is null. */
  unassignedReason: UnassignedReason | null;
  /** It came, or found its contract, after its period had closed. */
  late: boolean;
  /** A period boundary of the contract lies inside its window. */
  straddles: boolean;
  /** What it counts now: its quantity, or that of its newest replacement; null once voided. */
  effectiveQuantity: Decimal | null;
  voidedAt: Date | null;
}

type StateRow = Omit<UsageRecordState, 'effectiveQuantity'> & { id: string; effectiveQuantity: string | null };

/** The present state of records by id. */
export async function usageRecordStatesByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, UsageRecordState>> {
  const rows = await ctx.db.query<StateRow[]>(
    `select record.id, placed.contract_id as "contractId",
            case when placed.contract_id is null then record.unassigned_reason end as "unassignedReason",
            ${IS_LATE} as late,
            exists (
              select 1 from billing_period p
               where p.contract_id = placed.contract_id
                 and ((p.start_at > record.window_start and p.start_at <= record.counted_at)
                   or (p.end_at > record.window_start and p.end_at <= record.counted_at))) as straddles,
            head.quantity as "effectiveQuantity",
            (select v.received_at from usage_record v where v.root = record.id and v.kind = 'VOID') as "voidedAt"
       from usage_record record
      cross join lateral (select ${CONTRACT} as contract_id) placed
      cross join lateral (
        select case when h.kind <> 'VOID' then h.quantity end as quantity from usage_record h
         where h.id = record.id or h.root = record.id order by h.id desc limit 1) head
      where record.id = any($1) and ($2::uuid is null or record.service_id = $2)`,
    [ids, ctx.actor.serviceId],
  );
  return new Map(
    rows.map(({ id, effectiveQuantity, ...state }) => [
      id,
      { ...state, effectiveQuantity: effectiveQuantity === null ? null : new Decimal(effectiveQuantity) },
    ]),
  );
}

/** The corrections of records by the record's id, the first one first. */
export async function correctionsByRecordIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, UsageRecord[]>> {
  const own = ctx.actor.serviceId === null ? {} : { serviceId: ctx.actor.serviceId };
  const rows = await ctx.db
    .getRepository(UsageRecord)
    .find({ where: { root: In([...new Set(ids)]), ...own }, order: { id: 'ASC' } });
  const byRecord = new Map(ids.map((id) => [id, [] as UsageRecord[]]));
  for (const row of rows) if (row.root !== null) byRecord.get(row.root)?.push(row);
  return byRecord;
}
