/**
 * Checks alerts against what the open period has come to. What the ledger gained says which contracts are due at once; every
 * other alert is checked once an hour, for prices, orders and levels that change without usage. Each step commits what it has
 * done, so that a run that dies anywhere is simply run again.
 */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { reachedThresholds, watchedValue, type WatchedRating } from '../domain/usage-alert';
import { UsageAlert, type UsageAlertKind } from '../entities/usage-alert';
import { loadContractState } from './contract-state';
import { ratePeriod } from './rating';
import { inTransaction } from './transaction';

/** Rows of the ledger looked through in one transaction. */
const ROWS_PER_READING = 50_000;
/** Readings of one run at most; the next minute's run goes on. */
const MAX_READINGS = 200;
/** Contracts checked by one run at most. */
const CONTRACTS_PER_RUN = 2_000;
/** Until an alert is checked again although nothing was recorded. */
const RECHECK_MS = 60 * 60 * 1000;

/** An event that was written: whose it is, and of which kind. */
export interface FiredAlert {
  serviceId: string;
  kind: UsageAlertKind;
}

export interface AlertsChecked {
  /** Contracts whose alerts were checked. */
  contracts: number;
  /** Thresholds that were reached since the last check. */
  events: number;
}

/**
 * Checks what is due: one contract a transaction, the longest due first. A contract that cannot be rated is passed over.
 * @throws the first failure, after the other contracts were checked; at once when the database cannot serve.
 */
export async function checkAlerts(ctx: Ctx): Promise<AlertsChecked> {
  await markChangedContracts(ctx);
  const checked: AlertsChecked = { contracts: 0, events: 0 };
  const failures: unknown[] = [];
  for (const contractId of await dueContracts(ctx)) {
    try {
      checked.events += await checkContract(ctx, contractId);
      checked.contracts += 1;
    } catch (error) {
      if (error instanceof BillingError && error.retryable) throw error;
      ctx.log.error({ err: error, contractId }, 'the alerts of a contract could not be checked');
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return checked;
}

/**
 * Makes the alerts of contracts due whose usage changed since the last reading. The mark stands before every transaction that
 * was running then: a row that is committed late has a number behind it, however small its id, and is read next time.
 */
async function markChangedContracts(ctx: Ctx): Promise<void> {
  for (let reading = 1, isDone = false; !isDone && reading <= MAX_READINGS; reading += 1) {
    isDone = await inTransaction(ctx, (tx) => markSome(tx, ctx.now));
  }
}

interface Reading {
  /** Where the reading began, and the number before which every transaction is over. */
  from: string;
  settled: string;
  /** Where it has to stop for now; null when it takes all there is. */
  until: string | null;
}

/** Looks through one part of the ledger; returns whether it was the last. */
async function markSome(tx: EntityManager, now: Date): Promise<boolean> {
  await tx.query(`select from ledger_reader where name = 'alerts' for no key update`);
  const [reading] = await tx.query<Reading[]>(
    `select read_before as "from", ledger_settled_before() as settled,
            (select least(r.transaction, ledger_settled_before()) from usage_record r where r.transaction >= read_before
              order by r.transaction offset $1 limit 1) as until
       from ledger_reader where name = 'alerts'`,
    [ROWS_PER_READING],
  );
  if (reading === undefined) throw new Error('The migrations left no mark for alerts.');
  const { from, settled } = reading;
  // One transaction with more rows than a reading has is read in one piece.
  const until = reading.until === from ? null : reading.until;
  // All alerts in the order of their ids, locked before their newest state is known: one that is being checked just now has
  // perhaps not seen the change.
  await tx.query(
    `with changed as (
       select contract_id from usage_record where transaction >= $1 and ($2::bigint is null or transaction < $2)
       union
       select contract_id from usage_assignment where transaction >= $1 and ($2::bigint is null or transaction < $2)),
     concerned as (
       select id from usage_alert where archived_at is null and contract_id in (select contract_id from changed)
        order by id for no key update)
     update usage_alert a set due_at = least(a.due_at, $3) from concerned where a.id = concerned.id`,
    [from, until, now],
  );
  await tx.query(`update ledger_reader set read_before = $1 where name = 'alerts' and read_before < $1`, [
    until ?? settled,
  ]);
  return until === null;
}

/** Contracts with an alert that is due, the longest due first. */
async function dueContracts(ctx: Ctx): Promise<string[]> {
  const rows = await ctx.db.query<{ contract_id: string }[]>(
    `select contract_id from usage_alert where archived_at is null and due_at <= $1
      group by contract_id order by min(due_at), contract_id limit $2`,
    [ctx.now, CONTRACTS_PER_RUN],
  );
  return rows.map((row) => row.contract_id);
}

/** Rates the contract's open period as `currentUsage` does, and writes what its alerts saw; returns how many events. */
async function checkContract(ctx: Ctx, contractId: string): Promise<number> {
  const fired = await inTransaction(ctx, async (tx) => {
    // Before anything is rated: usage that comes later finds the alert checked, and makes it due again.
    await tx.query(
      `with concerned as (
         select id from usage_alert where contract_id = $1 and archived_at is null order by id for no key update)
       update usage_alert a set due_at = $2 from concerned where a.id = concerned.id`,
      [contractId, new Date(ctx.now.getTime() + RECHECK_MS)],
    );
    const state = await loadContractState(tx, contractId);
    const period = state?.periods.at(-1);
    if (state === null || period === undefined) return [];
    const rating = await ratePeriod(tx, state, { period, zone: ctx.config.billingTimeZone });
    return fireAlerts(tx, [{ state, period, rating }], ctx.now);
  });
  countFired(ctx, fired);
  return fired.length;
}

/** Counts events for the metrics page, once their transaction is committed. */
export function countFired({ metrics }: Pick<Ctx, 'metrics'>, fired: readonly FiredAlert[]): void {
  for (const { serviceId, kind } of fired)
    metrics.usageAlertEvents.add(serviceId, kind === 'UNITS' ? 'units' : 'amount');
}

/** What a period of a contract has come to. */
export interface WatchedPeriod {
  state: { id: string };
  period: { id: string };
  rating: WatchedRating;
}

/**
 * Writes an event for each threshold that a period has reached and that was not reached in it before. The check does, and the
 * close, for what came in the last minute. At most one period of a contract.
 */
export async function fireAlerts(
  tx: EntityManager,
  watched: readonly WatchedPeriod[],
  now: Date,
): Promise<FiredAlert[]> {
  const byContract = new Map(watched.map((one) => [one.state.id, one]));
  if (byContract.size === 0) return [];
  const alerts = await tx
    .createQueryBuilder(UsageAlert, 'alert')
    .where('alert.contract_id in (:...ids) and alert.archived_at is null', { ids: [...byContract.keys()] })
    .getMany();
  const reached = alerts.flatMap((alert) => {
    const one = byContract.get(alert.contractId);
    if (one === undefined) return [];
    const { value, currency } = watchedValue(alert, one.rating);
    return reachedThresholds(alert.thresholds, value).map((threshold) => ({
      alert_id: alert.id,
      period_id: one.period.id,
      threshold: threshold.toFixed(),
      value: value.toFixed(),
      currency,
    }));
  });
  if (reached.length === 0) return [];
  const events = await tx.query<{ alert_id: string }[]>(
    `insert into usage_alert_event (alert_id, period_id, threshold, value, currency, crossed_at)
     select r.*, $2
       from json_to_recordset($1) as r(alert_id uuid, period_id uuid, threshold numeric, value numeric, currency text)
      order by r.alert_id, r.threshold
     on conflict do nothing
     returning alert_id`,
    [JSON.stringify(reached), now],
  );
  const byId = new Map(alerts.map((alert) => [alert.id, alert]));
  return events.flatMap((event) => byId.get(event.alert_id) ?? []);
}
