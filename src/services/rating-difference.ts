/**
 * Tells late usage from newer rating code: a closed period's line is stored with the version that rated it and a mark of the
 * ledger rows it saw. What differs though the mark is the same is reported, and enters a balance only when a person accepts it.
 */
import type { EntityManager } from 'typeorm';
import type { Decimal } from '../domain/decimal';
import { clip } from '../domain/errors';
import { RATING_VERSION } from '../domain/rating-version';

/** The newest revision of a (charge, bucket) in a period. */
export interface StoredRating {
  id: string;
  revision: number;
  units: Decimal;
  value: Decimal;
  ratingVersion: number;
  ledgerMark: string;
}

/** What a (charge, bucket) is worth when its period is rated again. */
export interface Rerating {
  periodId: string;
  chargeId: string;
  bucket: string;
  before: StoredRating | undefined;
  now: { units: Decimal; value: Decimal };
  ledgerMark: string;
}

const LATE = 'late usage, corrections or assignments';
const MAX_REASON_LENGTH = 500;

/** The mark of a metric's rows in one of the periods asked for. */
export type MarkOf = (periodId: string, metricId: string) => string;

/**
 * The mark of each metric's rows in a period: where the period begins, how many rows of the ledger count in it for its contract
 * (or before it, where they reach into later periods), the sum of their ids, and how often they were assigned. Rows are only
 * ever added, so whatever changes what is effective changes the mark.
 */
export async function ledgerMarks(tx: EntityManager, periodIds: readonly string[]): Promise<MarkOf> {
  const rows = await tx.query<{ period_id: string; metric_id: string | null; mark: string }[]>(MARKS_SQL, [periodIds]);
  const marks = new Map(rows.map((row) => [markName(row.period_id, row.metric_id), row.mark]));
  return (periodId, metricId) => marks.get(markName(periodId, metricId)) ?? marks.get(markName(periodId, null)) ?? '';
}

const markName = (periodId: string, metricId: string | null): string => `${periodId} ${metricId ?? ''}`;

// Two branches of a union, for each of which the index has the range: what counts before a period is read for metrics only
// that reach into it. The row without a metric is the mark of every metric that has no rows.
const MARKS_SQL = `
  with period as (
    select id, contract_id, start_on, start_at, coalesce(end_at, 'infinity') as end_at from billing_period where id = any ($1)),
  reaching as (select id from metric where recurring or semantics = 'CUMULATIVE'),
  counted as (
    select p.id as period_id, u.id, u.metric_id from period p cross join lateral (
      select id, metric_id from usage_record
       where contract_id = p.contract_id and counted_at >= p.start_at and counted_at < p.end_at
      union all
      select u.id, u.metric_id from reaching r join usage_record u on u.metric_id = r.id
       where u.contract_id = p.contract_id and u.counted_at < p.start_at) u
    union all
    select distinct p.id, u.id, u.metric_id from period p join usage_assignment a on a.contract_id = p.contract_id
      join usage_record u on u.id = a.record_id and u.contract_id is distinct from p.contract_id
       and (u.counted_at >= p.start_at or u.metric_id in (select id from reaching)) and u.counted_at < p.end_at),
  figures as (
    select period_id, metric_id, count(*) as records, sum(id) as ids, 0 as assignments
      from counted group by period_id, metric_id
    union all
    select c.period_id, c.metric_id, 0, 0, count(*)
      from counted c join usage_assignment a on a.record_id = c.id group by c.period_id, c.metric_id
    union all
    select id, null, 0, 0, 0 from period)
  select f.period_id, f.metric_id,
         p.start_on || ' ' || sum(f.records) || ' ' || sum(f.ids) || ' ' || sum(f.assignments) as mark
    from figures f join period p on p.id = f.period_id group by f.period_id, f.metric_id, p.start_on`;

/**
 * Why what a line is worth now is to be stored as its next revision; null when it is not, because nothing changed or only
 * newer rating code would change it. That is reported once, and stored as soon as a person has accepted it.
 */
export async function reasonForRevision(tx: EntityManager, rerating: Rerating, at: Date): Promise<string | null> {
  const { before, now, ledgerMark } = rerating;
  if (before === undefined) return LATE;
  const isSame = before.value.eq(now.value) && before.units.eq(now.units);
  if (before.ratingVersion >= RATING_VERSION) return isSame ? null : LATE;
  if (before.ledgerMark === ledgerMark && !before.value.eq(now.value)) return decided(tx, rerating, before, at);
  await withdraw(tx, rerating, at);
  if (isSame) return null;
  return `${LATE}; rated by version ${RATING_VERSION} of the rating code, and by ${before.ratingVersion} before`;
}

interface Decision {
  state: 'ACCEPTED' | 'REFUSED' | 'OPEN';
  new_value: string;
  reason: string | null;
}

/** What a person said to this very difference; it is reported when nobody was asked yet. */
async function decided(tx: EntityManager, rerating: Rerating, before: StoredRating, at: Date): Promise<string | null> {
  const found = await tx.query<Decision[]>(
    `select state, new_value, reason from rating_difference
      where billable_line_id = $1 and to_version = $2 and state <> 'WITHDRAWN'`,
    [before.id, RATING_VERSION],
  );
  const isOf = ({ new_value: value }: Decision): boolean => rerating.now.value.eq(value);
  const accepted = found.find((decision) => decision.state === 'ACCEPTED' && isOf(decision));
  if (accepted !== undefined) {
    const versions = `version ${RATING_VERSION} of the rating code instead of ${before.ratingVersion}`;
    return clip(`${versions}, accepted: ${accepted.reason}`, MAX_REASON_LENGTH);
  }
  const isKnown = found.some(
    (decision) => decision.state === 'REFUSED' || (decision.state === 'OPEN' && isOf(decision)),
  );
  if (!isKnown) await report(tx, rerating, before, at);
  return null;
}

async function report(tx: EntityManager, rerating: Rerating, before: StoredRating, at: Date): Promise<void> {
  await withdraw(tx, rerating, at);
  await tx.query(
    `insert into rating_difference (period_id, charge_id, bucket, billable_line_id, from_version, to_version, stored_value,
        new_value, found_at, state)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'OPEN')`,
    [
      rerating.periodId,
      rerating.chargeId,
      rerating.bucket,
      before.id,
      before.ratingVersion,
      RATING_VERSION,
      before.value.toFixed(),
      rerating.now.value.toFixed(),
      at,
    ],
  );
}

async function withdraw(tx: EntityManager, { periodId, chargeId, bucket }: Rerating, at: Date): Promise<void> {
  await tx.query(
    `update rating_difference set state = 'WITHDRAWN', decided_at = $4
      where period_id = $1 and charge_id = $2 and bucket = $3 and state = 'OPEN'`,
    [periodId, chargeId, bucket, at],
  );
}
