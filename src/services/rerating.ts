/**
 * Rated lines as they are stored: the first revisions at the close, and new ones where a dirty period has come to be worth
 * something else. Callers hold the contract's lane exclusively.
 */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { type BucketName, bucketNamed } from '../domain/bucket';
import { Decimal, ZERO } from '../domain/decimal';
import type { PriceStep } from '../domain/price';
import { RATING_VERSION } from '../domain/rating-version';
import type { StoredPriceStep } from '../entities/billable-line';
import type { ContractState, PeriodState } from './contract-state';
import { fittingCharges } from './fitting-charges';
import { type RatedLine, ratePeriod } from './rating';
import { reasonForRevision, type StoredRating } from './rating-difference';

/** Stores the first revision of each line of periods that close now. */
export async function storeLines(
  tx: EntityManager,
  closes: readonly { period: Pick<PeriodState, 'id'>; rating: { lines: readonly RatedLine[] } }[],
  now: Date,
): Promise<void> {
  const firsts = closes.flatMap(({ period: { id: periodId }, rating }) =>
    rating.lines.map((line) => ({ ...line, periodId, revision: 1 })),
  );
  await storeRevisions(tx, firsts, now);
}

/**
 * Rates the contract's dirty closed periods again. What changed gets a new revision, and an adjustment that enters the
 * balance with the open period. A period stays dirty while a metric of it is ambiguous. Returns whether anything changed.
 */
export async function rerateDirtyPeriods(tx: EntityManager, ctx: Ctx, state: ContractState): Promise<boolean> {
  const open = state.periods.at(-1);
  assert(open !== undefined && !open.closed, 'a contract with periods has an open one');
  let changed = false;
  for (const period of state.periods.filter((candidate) => candidate.dirty)) {
    const stored = await newestRevisions(tx, period.id);
    const ratedBefore = new Set([...stored.values()].map(({ chargeId }) => chargeId));
    const { lines } = await ratePeriod(tx, state, { period, zone: ctx.config.billingTimeZone, ratedBefore });
    const all = [...lines, ...emptied(lines, stored)];
    const revised: Revision[] = [];
    for (const line of all) {
      const before = stored.get(lineName(line.charge.id, line.bucket.key));
      const key = { periodId: period.id, chargeId: line.charge.id, bucket: line.bucket.key };
      const reason = await reasonForRevision(tx, { ...key, before, now: line }, ctx.now);
      if (reason === null) continue;
      const revision = (before?.revision ?? 0) + 1;
      revised.push({ ...line, periodId: period.id, revision, before: before?.value ?? ZERO, reason });
    }
    const lineIds = await storeRevisions(tx, revised, ctx.now);
    await storeAdjustments(tx, { lineIds, period, open, revised }, ctx.now);
    changed ||= revised.length > 0;
    period.dirty = fittingCharges(state, period, ratedBefore).ambiguous.size > 0;
    await tx.query('update billing_period set dirty = $2 where id = $1', [period.id, period.dirty]);
  }
  return changed;
}

/** A line as it is stored. */
interface StoredRevision extends RatedLine {
  periodId: string;
  revision: number;
}

interface Revision extends StoredRevision {
  /** Value of the revision before; 0 for none. */
  before: Decimal;
  /** Of its adjustment. */
  reason: string;
}

/** Lines that were stored for a bucket that has no usage any more, as they are worth now: nothing. */
function emptied(lines: readonly RatedLine[], stored: ReadonlyMap<string, StoredLine>): RatedLine[] {
  const present = new Set(lines.map((line) => lineName(line.charge.id, line.bucket.key)));
  const charges = new Map(lines.map((line) => [line.charge.id, line]));
  return [...stored].flatMap(([name, { chargeId, bucket }]) => {
    const sibling = charges.get(chargeId);
    if (sibling === undefined || present.has(name)) return [];
    const nothing = { units: ZERO, billableUnits: ZERO, value: ZERO, amount: ZERO, steps: [], recordCount: 0 };
    return [{ ...sibling, ...nothing, bucket: { ...bucketNamed(sibling.charge, bucket), key: bucket.key } }];
  });
}

/** Names a line of a period: its charge and bucket. */
function lineName(chargeId: string, bucketKey: string): string {
  return `${chargeId} ${bucketKey}`;
}

interface StoredLine extends StoredRating {
  chargeId: string;
  bucket: BucketName & { key: string };
}

async function newestRevisions(tx: EntityManager, periodId: string): Promise<Map<string, StoredLine>> {
  interface Row extends Omit<StoredLine, 'units' | 'value' | 'bucket'> {
    bucket: string;
    filter: string | null;
    group: BucketName['group'];
    units: string;
    value: string;
  }
  const rows = await tx.query<Row[]>(
    `select distinct on (charge_id, bucket) charge_id as "chargeId", bucket, bucket_filter as filter, bucket_group as "group",
            id, revision, units, value, rating_version as "ratingVersion", ledger_mark as "ledgerMark"
       from billable_line where period_id = $1 order by charge_id, bucket, revision desc`,
    [periodId],
  );
  return new Map(
    rows.map(({ bucket: key, filter, group, units, value, ...row }) => [
      lineName(row.chargeId, key),
      { ...row, bucket: { key, filter, group }, units: new Decimal(units), value: new Decimal(value) },
    ]),
  );
}

/** Stores lines in one statement; returns their ids by name, by which lines of one period are told apart. */
async function storeRevisions(
  tx: EntityManager,
  lines: readonly StoredRevision[],
  now: Date,
): Promise<Map<string, string>> {
  if (lines.length === 0) return new Map();
  const rows = await tx.query<{ id: string; charge_id: string; bucket: string }[]>(
    `insert into billable_line (period_id, charge_id, bucket, bucket_filter, bucket_group, revision, subscription_line_id, units,
        billable_units, value, amount, currency, record_count, explanation, ledger_mark, rating_version, created_at)
     select l.*, $3, $2
       from json_to_recordset($1) as l(period_id uuid, charge_id uuid, bucket text, bucket_filter text, bucket_group jsonb, revision integer,
         subscription_line_id uuid, units numeric, billable_units numeric, value numeric, amount numeric, currency text,
         record_count bigint, explanation jsonb, ledger_mark text)
     returning id, charge_id, bucket`,
    [JSON.stringify(lines.map(asRow)), now, RATING_VERSION],
  );
  return new Map(rows.map((row) => [lineName(row.charge_id, row.bucket), row.id]));
}

function asRow(line: StoredRevision): Record<string, unknown> {
  return {
    period_id: line.periodId,
    charge_id: line.charge.id,
    bucket: line.bucket.key,
    bucket_filter: line.bucket.filter?.name ?? null,
    bucket_group: line.bucket.group,
    revision: line.revision,
    subscription_line_id: line.line?.id ?? null,
    units: line.units.toFixed(),
    billable_units: line.billableUnits.toFixed(),
    value: line.value.toFixed(),
    amount: line.amount.toFixed(),
    currency: line.currency,
    record_count: line.recordCount,
    explanation: line.steps.map(printStep),
    ledger_mark: line.ledgerMark,
  };
}

interface Adjusted {
  /** Ids of the revisions by name. */
  lineIds: ReadonlyMap<string, string>;
  revised: readonly Revision[];
  period: PeriodState;
  open: PeriodState;
}

async function storeAdjustments(
  tx: EntityManager,
  { lineIds, revised, period, open }: Adjusted,
  now: Date,
): Promise<void> {
  const adjusted = revised
    .filter(({ value, before }) => !value.eq(before))
    .map(({ value, before, reason, charge, bucket }) => ({
      line_id: lineIds.get(lineName(charge.id, bucket.key)),
      product_id: charge.productId,
      value: value.minus(before).toFixed(),
      reason,
    }));
  if (adjusted.length === 0) return;
  await tx.query(
    `insert into adjustment (billable_line_id, origin_period_id, target_period_id, product_id, value, reason, created_at)
     select a.line_id, $2, $3, a.product_id, a.value, a.reason, $4
       from json_to_recordset($1) as a(line_id uuid, product_id uuid, value numeric, reason text)`,
    [JSON.stringify(adjusted), period.id, open.id, now],
  );
}

/** A step with its decimals as strings, as JSON columns and answers carry it. */
export function printStep(step: PriceStep): StoredPriceStep {
  return {
    kind: step.kind,
    fromUnits: step.fromUnits.toFixed(),
    toUnits: step.toUnits.toFixed(),
    units: step.units.toFixed(),
    unitPrice: step.unitPrice.toFixed(),
    flatPrice: step.flatPrice.toFixed(),
    amount: step.amount.toFixed(),
  };
}
