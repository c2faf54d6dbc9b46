/** Entries that change a balance by name: adding one, and their list. They are never edited. */
import { strict as assert } from 'node:assert';
import type { EntityManager, SelectQueryBuilder } from 'typeorm';
import type { Ctx } from '../ctx';
import type { Decimal } from '../domain/decimal';
import { BalanceEntry, type BalanceEntryKind } from '../entities/balance-entry';
import { Product } from '../entities/product';
import { type ContractFilter, narrowToContracts } from './billing-lists';
import { contractVisible } from './contracts';
import { type Page, type PageArgs, fetchPage, orders } from './page';

export interface NewEntry {
  serviceId: string;
  contractId: string;
  productId: string;
  /** The period open now. */
  periodId: string;
  kind: Exclude<keyof typeof BalanceEntryKind, 'PASSED_OUT' | 'PASSED_IN'>;
  value: Decimal;
  reason: string;
  idempotencyKey?: string | null;
}

/** Adds an entry by `ctx.actor`. Returns its id; null when the service used its key before. */
export async function insertEntry(tx: EntityManager, ctx: Ctx, entry: NewEntry): Promise<string | null> {
  const [row] = await tx.query<{ id: string }[]>(
    `insert into balance_entry (service_id, contract_id, product_id, period_id, kind, value, reason, actor,
        idempotency_key, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (service_id, idempotency_key) where idempotency_key is not null do nothing
     returning id`,
    [
      entry.serviceId,
      entry.contractId,
      entry.productId,
      entry.periodId,
      entry.kind,
      entry.value.toFixed(),
      entry.reason,
      ctx.actor.name,
      entry.idempotencyKey ?? null,
      ctx.now,
    ],
  );
  return row?.id ?? null;
}

export interface Passing {
  serviceId: string;
  contractId: string;
  periodId: string;
  fromProductId: string;
  toProductId: string;
  value: Decimal;
  reason: string;
}

/** Adds the two entries by which one product's balance goes to another, each naming the other. */
export async function insertPassing(tx: EntityManager, ctx: Ctx, passing: Passing): Promise<void> {
  const rows = await tx.query<unknown[]>(
    `with made as materialized (select uuid_v7() as gone, uuid_v7() as come)
     insert into balance_entry (id, service_id, contract_id, product_id, period_id, kind, value, reason, actor,
        counterpart_id, created_at)
     select side.id, $1, $2, side.product_id, $3, side.kind, $4, $5, $6, side.counterpart_id, $7
       from made cross join lateral (values
         (made.gone, $8::uuid, 'PASSED_OUT', made.come), (made.come, $9::uuid, 'PASSED_IN', made.gone))
           as side(id, product_id, kind, counterpart_id)
     returning id`,
    [
      passing.serviceId,
      passing.contractId,
      passing.periodId,
      passing.value.toFixed(),
      passing.reason,
      ctx.actor.name,
      ctx.now,
      passing.fromProductId,
      passing.toProductId,
    ],
  );
  assert(rows.length === 2, 'what goes from one product comes to the other');
}

export interface BalanceEntryFilter extends ContractFilter {
  productOdooId?: number | null;
  kinds?: readonly BalanceEntryKind[] | null;
}

const ORDERS = orders('CREATED_AT', [{ sql: 'entry.id', type: 'uuid' }]);
export type BalanceEntryOrder = keyof typeof ORDERS;

/** A page of the entries in sight. @throws BillingError NOT_FOUND naming the filter's field. */
export async function balanceEntries(
  ctx: Ctx,
  filter: BalanceEntryFilter,
  { order, page }: { order: BalanceEntryOrder; page: PageArgs },
): Promise<Page<BalanceEntry>> {
  const query = inSight(ctx);
  const serviceId = await narrowToContracts(ctx, query, { column: 'entry.contract_id', filter });
  if (serviceId !== null) query.andWhere('entry.service_id = :madeFor', { madeFor: serviceId });
  if (filter.productOdooId !== null && filter.productOdooId !== undefined) {
    query
      .innerJoin(Product, 'product', 'product.id = entry.product_id')
      .andWhere('product.odoo_id = :productOdooId', { productOdooId: filter.productOdooId });
  }
  if (filter.kinds) query.andWhere('entry.kind = any (:kinds)', { kinds: filter.kinds });
  return fetchPage(query, ORDERS[order], page);
}

/** Entries by id, those in sight of the actor only. */
export async function balanceEntriesByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, BalanceEntry>> {
  const entries = await inSight(ctx).andWhere('entry.id = any (:ids)', { ids }).getMany();
  return new Map(entries.map((entry) => [entry.id, entry]));
}

function inSight(ctx: Ctx): SelectQueryBuilder<BalanceEntry> {
  return ctx.db.createQueryBuilder(BalanceEntry, 'entry').where(
    `(:serviceId::uuid is null or entry.service_id = :serviceId)
       and exists (select 1 from contract c where c.id = entry.contract_id and ${contractVisible(':serviceId')})`,
    { serviceId: ctx.actor.serviceId },
  );
}
