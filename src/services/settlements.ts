/**
 * Gives what Odoo billed to the periods' slots: a posted invoice line to the oldest slot not settled, a date that moved over
 * an empty slot as nothing billed. Evidence only; an assumption is never booked.
 */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import type { WriteKind } from '../domain/slot';
import { type ContractState, type LineState, type PeriodState, isBilledByOdoo } from './contract-state';

interface OpenInvoiceLine {
  id: string;
  quantity: string;
}

/** Settles every slot of the contract for which the mirror has evidence. Returns whether anything was settled. */
export async function settleSlots(tx: EntityManager, ctx: Ctx, state: ContractState): Promise<boolean> {
  let settled = false;
  for (const line of state.lines) {
    const periods = billablePeriods(state, line);
    if (periods.length === 0) continue;
    const done = await settledPeriods(tx, line.id);
    for (const invoiceLine of await openInvoiceLines(tx, state, line)) {
      const period = periods.find((candidate) => !done.has(candidate.id)) ?? periods.at(-1);
      if (period === undefined) continue;
      await settle(tx, ctx, { state, line, period, invoiceLine });
      done.add(period.id);
      settled = true;
    }
    for (const period of periods) {
      if (done.has(period.id)) continue;
      if (!isDatePast(state, period) || !(await holdsNothingFor(tx, line, done))) break;
      await settle(tx, ctx, { state, line, period, invoiceLine: null });
      done.add(period.id);
      settled = true;
    }
  }
  return settled;
}

/** The periods of which Odoo bills this line's product, oldest first. */
export function billablePeriods(state: ContractState, line: LineState): PeriodState[] {
  const charge = state.charges.find((candidate) => candidate.productId === line.productId);
  if (charge === undefined) return [];
  return state.periods.filter((period) => isBilledByOdoo(state, charge.serviceId, period));
}

/** Odoo id of the newest invoice or credit note that is older than our writes to the line; null while that is not known. */
export function seamOf(state: ContractState, line: LineState): number | null {
  const serviceId = state.charges.find((charge) => charge.productId === line.productId)?.serviceId;
  const span = state.spans.find((candidate) => candidate.serviceId === serviceId && candidate.biller === 'ODOO');
  return span?.invoicesAfterOdooId ?? null;
}

/** Ids of the line's periods whose slot is settled. */
export async function settledPeriods(tx: EntityManager, lineId: string): Promise<Set<string>> {
  const rows = await tx.query<{ period_id: string }[]>(
    'select distinct period_id from slot_settlement where subscription_line_id = $1',
    [lineId],
  );
  return new Set(rows.map((row) => row.period_id));
}

/** Posted invoice lines on this line that no slot has yet, oldest first; those from before the seam are not ours. */
async function openInvoiceLines(tx: EntityManager, state: ContractState, line: LineState): Promise<OpenInvoiceLine[]> {
  const seam = seamOf(state, line);
  if (seam === null) return [];
  return tx.query<OpenInvoiceLine[]>(
    `select il.id, il.quantity from invoice_line il join invoice i on i.odoo_id = il.invoice_odoo_id
      where il.sale_line_odoo_ids @> array[$1::integer] and i.state = 'posted' and i.move_type = 'out_invoice'
        and i.odoo_id > $2 and il.gone_at is null
        and not exists (select 1 from slot_settlement s where s.invoice_line_id = il.id)
      order by i.odoo_id, il.odoo_id`,
    [line.odooId, seam],
  );
}

function isDatePast({ order }: ContractState, period: PeriodState): boolean {
  return period.endOn !== null && order.nextInvoiceOn !== null && order.nextInvoiceOn > period.endOn;
}

/**
 * Whether the slot holds no quantity that Odoo may yet bill for a period that is not settled: we read it empty, it was
 * emptied since by a run or a person, or what it holds was for a period that is settled. A date that has moved over such a
 * slot without an invoice line billed 0.
 */
async function holdsNothingFor(tx: EntityManager, line: LineState, settled: ReadonlySet<string>): Promise<boolean> {
  const known = await lastReading(tx, line.id);
  if (known === null) return line.deliveredQuantity.isZero();
  if (known.readBack === null) return false;
  return known.readBack.isZero() || line.deliveredQuantity.isZero() || settled.has(known.periodId);
}

export interface SlotKnowledge {
  kind: WriteKind;
  periodId: string;
  /** Null while the outcome of a write is unknown. */
  readBack: Decimal | null;
}

/** What a slot held when we last read it; null before the first time. What was never sent, or refused, changed nothing. */
export async function lastReading(tx: EntityManager, lineId: string): Promise<SlotKnowledge | null> {
  const [row] = await tx.query<{ kind: WriteKind; period_id: string; state: string; read_back: string | null }[]>(
    `select kind, period_id, state, read_back from write_back
      where subscription_line_id = $1 and (read_back is not null or state = 'UNKNOWN') order by sequence desc limit 1`,
    [lineId],
  );
  if (row === undefined) return null;
  const isKnown = row.state !== 'UNKNOWN' && row.read_back !== null;
  return { kind: row.kind, periodId: row.period_id, readBack: isKnown ? new Decimal(row.read_back ?? 0) : null };
}

async function settle(
  tx: EntityManager,
  ctx: Ctx,
  slot: { state: ContractState; line: LineState; period: PeriodState; invoiceLine: OpenInvoiceLine | null },
): Promise<void> {
  const { state, line, period, invoiceLine } = slot;
  await tx.query(
    `insert into slot_settlement (contract_id, period_id, product_id, subscription_line_id, evidence, invoice_line_id, billed, settled_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      state.id,
      period.id,
      line.productId,
      line.id,
      invoiceLine === null ? 'DATE_MOVED' : 'INVOICE_LINE',
      invoiceLine?.id ?? null,
      invoiceLine?.quantity ?? '0',
      ctx.now,
    ],
  );
  // An invoice line settles what was written, an unknown outcome included; what was never sent gives way.
  await tx.query(
    `update write_back set updated_at = $3,
        state = case when $4 and state in ('WRITTEN', 'UNKNOWN') and kind <> 'EMPTY' then 'INVOICED' else 'SUPERSEDED' end
      where subscription_line_id = $1 and period_id = $2 and state in ('PENDING', 'UNKNOWN', 'WRITTEN')
        and not (kind = 'EMPTY' and state = 'WRITTEN')`,
    [line.id, period.id, ctx.now, invoiceLine !== null],
  );
}
