/**
 * What an invoice line of Odoo is made of, back to the rated lines and the late usage: the quantity of a slot is all that was due
 * when it was written, so it covers its period, those before it that no invoice line had billed, and what changed in billed ones.
 */
import { strict as assert } from 'node:assert';
import type { Ctx } from '../ctx';
import { type Decimal, ZERO } from '../domain/decimal';
import type { Charge } from '../entities/charge';
import { Adjustment } from '../entities/adjustment';
import type { BillableLine } from '../entities/billable-line';
import { Invoice, InvoiceState, InvoiceType } from '../entities/invoice';
import type { InvoiceLine } from '../entities/invoice-line';
import type { SlotSettlement } from '../entities/slot-settlement';
import { notFound } from './access';
import { lineQuery, NEWEST_REVISION, settlementQuery } from './billing-reads';
import { chargesByProductIds } from './catalog-charge-reads';
import { MAX_TRACED } from './trace-record';
import { visibleInvoiceLines } from './trace-reads';

/** Whether a line settles a slot, or why it does not. */
export type InvoiceLineStatus =
  'SETTLED' | 'AWAITED' | 'NOT_METERED' | 'CREDIT_NOTE' | 'GONE' | 'NOT_POSTED' | 'NOT_BILLED_BY_ODOO' | 'BEFORE_SEAM';

/** One charge and bucket in one period: what it was worth when the slot was written, and what it is worth now. */
export interface TracedWorth {
  periodId: string;
  chargeId: string;
  bucket: string;
  /** Null when the period was not rated yet: what was written was provisional. */
  atWrite: BillableLine | null;
  now: BillableLine | null;
}

export interface InvoiceLineTrace {
  invoiceLine: InvoiceLine;
  status: InvoiceLineStatus;
  settlement: SlotSettlement | null;
  /** The instant as of which the quantity that was billed was worked out; null without a settlement. */
  asOf: Date | null;
  /** Of the periods that the line covers, and of those whose adjustments it took up; the earliest first. */
  worths: TracedWorth[];
  adjustments: Adjustment[];
  /** What the covered periods were worth then; null when one of them was not rated yet. */
  worth: Decimal | null;
  adjusted: Decimal | null;
  /** Quantity less worth less adjusted. */
  rest: Decimal | null;
  /** Where the records of the line are found; null without a settlement. */
  source: RecordSource | null;
}

/** The usage behind an invoice line. */
export interface RecordSource {
  contractId: string;
  metricIds: string[];
  /** The periods covered are one time without gap. */
  from: Date;
  to: Date | null;
  /** What came late in these periods, in `(lateAfter, asOf]`, was taken up by adjustments. */
  originPeriodIds: string[];
  lateAfter: Date | null;
  asOf: Date;
  worths: TracedWorth[];
  /** The product's charges by id. */
  charges: ReadonlyMap<string, Charge>;
}

/**
 * Traces the invoice line with this id of Odoo.
 * @throws BillingError NOT_FOUND naming `odooId` for a line that is not mirrored or not in sight.
 */
export async function traceInvoiceLine(ctx: Ctx, odooId: number): Promise<InvoiceLineTrace> {
  const invoiceLine = await visibleInvoiceLines(ctx).andWhere('invoice_line.odoo_id = :odooId', { odooId }).getOne();
  if (invoiceLine === null) throw notFound('invoice line', 'odooId');
  const settlement = await settlementQuery(ctx)
    .andWhere('settlement.invoice_line_id = :id', { id: invoiceLine.id })
    .getOne();
  if (settlement === null) {
    const nothing = { settlement, asOf: null, worths: [], adjustments: [], worth: null, adjusted: null, rest: null };
    return { invoiceLine, status: await statusOf(ctx, invoiceLine), ...nothing, source: null };
  }
  const covered = await coverageOf(ctx, settlement);
  const adjustments = await adjustmentsTakenUp(ctx, settlement, covered);
  const worths = await worthsOf(ctx, { settlement, covered, adjustments });
  const charges = (await chargesByProductIds(ctx, [settlement.productId])).get(settlement.productId) ?? [];
  return {
    invoiceLine,
    status: 'SETTLED',
    settlement,
    asOf: covered.asOf,
    worths,
    adjustments,
    ...sums(invoiceLine, { covered, worths, adjustments }),
    source: {
      contractId: settlement.contractId,
      metricIds: [...new Set(charges.map(({ metricId }) => metricId))],
      from: covered.from,
      to: covered.to,
      originPeriodIds: [...new Set(adjustments.map(({ originPeriodId }) => originPeriodId))],
      lateAfter: covered.previousAsOf,
      asOf: covered.asOf,
      worths,
      charges: new Map(charges.map((charge) => [charge.id, charge])),
    },
  };
}

interface StatusRow {
  metered: boolean;
  billed_by_odoo: boolean;
  before_seam: boolean;
}

/** Why a line has no settlement. A service's own charges only: nobody else's product is on a line in sight. */
async function statusOf(ctx: Ctx, line: InvoiceLine): Promise<InvoiceLineStatus> {
  const invoice = await ctx.db.getRepository(Invoice).findOneByOrFail({ odooId: line.invoiceOdooId });
  const [row] = await ctx.db.query<StatusRow[]>(
    `select coalesce(bool_or(c.id is not null), false) as metered, coalesce(bool_or(b.id is not null), false) as billed_by_odoo,
            coalesce(bool_or($2 <= b.invoices_after_odoo_id), false) as before_seam
       from subscription_line l
       join subscription s on s.odoo_id = l.subscription_odoo_id
       left join product p on p.odoo_id = l.product_odoo_id
       left join charge c on c.product_id = p.id
       left join biller_span b on b.contract_id = s.contract_id and b.service_id = c.service_id and b.biller = 'ODOO'
      where l.odoo_id = any($1)`,
    [line.saleLineOdooIds, line.invoiceOdooId],
  );
  assert(row, 'an aggregate without groups gives one row');
  if (!row.metered) return 'NOT_METERED';
  if (invoice.moveType === InvoiceType.CREDIT_NOTE) return 'CREDIT_NOTE';
  if (line.goneAt !== null) return 'GONE';
  if (invoice.state !== InvoiceState.POSTED) return 'NOT_POSTED';
  if (!row.billed_by_odoo) return 'NOT_BILLED_BY_ODOO';
  return row.before_seam ? 'BEFORE_SEAM' : 'AWAITED';
}

interface Coverage {
  /** Oldest first. */
  periodIds: string[];
  from: Date;
  to: Date | null;
  /** When the quantity was worked out, and that of the invoice line before; null when there was none before. */
  asOf: Date;
  previousAsOf: Date | null;
}

/** When the quantity that settlement `s` found billed was worked out: with its intent; of what a person wrote nothing is known. */
const WORKED_OUT_AT = `coalesce(
  (select max(w.created_at) from write_back w
    where w.subscription_line_id = s.subscription_line_id and w.period_id = s.period_id and w.state = 'INVOICED'
      and w.created_at <= s.settled_at), s.settled_at)`;

/**
 * The periods whose worth first entered the quantity: the settled one, and those before it back to the one that the invoice line
 * before has settled. Periods that Odoo does not bill are none of it.
 */
async function coverageOf(ctx: Ctx, settlement: SlotSettlement): Promise<Coverage> {
  const rows = await ctx.db.query<{ id: string; start: Date; end: Date | null; as_of: Date; previous: Date | null }[]>(
    `with s as (select * from slot_settlement where id = $1),
     own as (select p.* from billing_period p join s on s.period_id = p.id),
     before as (
       select p.start_at, ${WORKED_OUT_AT} as worked_out_at
         from slot_settlement s join billing_period p on p.id = s.period_id cross join own
        where s.contract_id = $2 and s.product_id = $3 and s.evidence = 'INVOICE_LINE' and p.start_at < own.start_at
        order by p.start_at desc, s.settled_at desc limit 1)
     select p.id, p.start_at as "start", p.end_at as "end", (select ${WORKED_OUT_AT} from s) as as_of,
            (select worked_out_at from before) as previous
       from own join billing_period p on p.contract_id = own.contract_id and p.start_at <= own.start_at
      where p.id = own.id
         or p.start_at > coalesce((select start_at from before), '-infinity') and exists (
           select 1 from biller_span b join charge c on c.service_id = b.service_id and c.product_id = $3
            where b.contract_id = p.contract_id and b.biller = 'ODOO'
              and (b.starts_at is null or b.starts_at <= p.start_at) and (b.ends_at is null or b.ends_at > p.start_at))
      order by p.start_at desc limit ${MAX_TRACED}`,
    [settlement.id, settlement.contractId, settlement.productId],
  );
  const [own] = rows;
  const oldest = rows.at(-1);
  assert(own && oldest, 'a settlement has its period');
  return {
    periodIds: rows.map((row) => row.id).reverse(),
    from: oldest.start,
    to: own.end,
    asOf: own.as_of,
    previousAsOf: own.previous,
  };
}

/** What changed in earlier periods, billed before, since the quantity of the invoice line before was worked out. */
async function adjustmentsTakenUp(ctx: Ctx, settlement: SlotSettlement, covered: Coverage): Promise<Adjustment[]> {
  if (covered.previousAsOf === null) return [];
  return ctx.db
    .createQueryBuilder(Adjustment, 'adjustment')
    .innerJoin('billing_period', 'origin', 'origin.id = adjustment.origin_period_id')
    .where('adjustment.product_id = :productId and origin.contract_id = :contractId', {
      productId: settlement.productId,
      contractId: settlement.contractId,
    })
    .andWhere('origin.start_at < :from and adjustment.created_at > :previousAsOf and adjustment.created_at <= :asOf', {
      ...covered,
    })
    .orderBy('adjustment.id')
    .getMany();
}

/** The rated lines of the periods, each as it was then and as it is now. */
async function worthsOf(
  ctx: Ctx,
  { settlement, covered, adjustments }: { settlement: SlotSettlement; covered: Coverage; adjustments: Adjustment[] },
): Promise<TracedWorth[]> {
  const periodIds = [...covered.periodIds, ...adjustments.map(({ originPeriodId }) => originPeriodId)];
  const lines = await lineQuery(ctx)
    .innerJoin('billing_period', 'rated', 'rated.id = line.period_id')
    .andWhere('line.period_id = any(:periodIds)', { periodIds })
    .andWhere('line.charge_id in (select c.id from charge c where c.product_id = :productId)', settlement)
    .andWhere(
      `(${NEWEST_REVISION} or line.created_at <= :asOf and not exists (
      select 1 from billable_line later where later.period_id = line.period_id and later.charge_id = line.charge_id
         and later.bucket = line.bucket and later.revision > line.revision and later.created_at <= :asOf))`,
      {
        asOf: covered.asOf,
      },
    )
    .orderBy('rated.start_at')
    .addOrderBy('line.charge_id')
    .addOrderBy('line.bucket')
    .addOrderBy('line.revision')
    .getMany();
  const worths = new Map<string, TracedWorth>();
  for (const line of lines) {
    const { periodId, chargeId, bucket } = line;
    const name = `${periodId} ${chargeId} ${bucket}`;
    const worth = worths.get(name) ?? { periodId, chargeId, bucket, atWrite: null, now: null };
    // Revisions come in their order, so the newest one is the last.
    worths.set(name, { ...worth, atWrite: line.createdAt <= covered.asOf ? line : worth.atWrite, now: line });
  }
  return [...worths.values()];
}

function sums(
  { quantity }: InvoiceLine,
  { covered, worths, adjustments }: { covered: Coverage; worths: TracedWorth[]; adjustments: Adjustment[] },
): Pick<InvoiceLineTrace, 'worth' | 'adjusted' | 'rest'> {
  const adjusted = adjustments.reduce((sum, { value }) => sum.plus(value), ZERO);
  const isRated = covered.periodIds.every((id) => worths.some(({ periodId, atWrite }) => periodId === id && atWrite));
  if (!isRated) return { worth: null, adjusted, rest: null };
  const worth = worths
    .filter(({ periodId }) => covered.periodIds.includes(periodId))
    .reduce((sum, { atWrite }) => sum.plus(atWrite?.value ?? ZERO), ZERO);
  return { worth, adjusted, rest: quantity.minus(worth).minus(adjusted) };
}
