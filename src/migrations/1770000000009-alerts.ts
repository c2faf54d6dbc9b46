import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Alerts on the usage of open periods, and the thresholds that were reached. */
export class Alerts1770000000009 implements MigrationInterface {
  name = 'Alerts1770000000009';

  async up(runner: QueryRunner): Promise<void> {
    // Decimals as strings, each above the one before, the first above 0.
    await runner.query(`
      create function thresholds_rise(thresholds jsonb) returns boolean language sql immutable as $$
        select coalesce(bool_and(value > previous), false) from (
          select t::numeric as value, lag(t::numeric, 1, 0) over (order by place) as previous
            from jsonb_array_elements_text(thresholds) with ordinality as given(t, place)) rising
      $$`);
    await runner.query(`
      create table usage_alert (
        id uuid primary key default uuid_v7(),
        service_id uuid not null constraint usage_alert_service_fkey references service,
        contract_id uuid not null constraint usage_alert_contract_fkey references contract,
        metric_id uuid not null constraint usage_alert_metric_fkey references metric,
        name text not null constraint usage_alert_name_check check (length(name) between 1 and 200),
        kind text not null constraint usage_alert_kind_check check (kind in ('UNITS', 'AMOUNT')),
        thresholds jsonb not null constraint usage_alert_thresholds_check check
          (jsonb_array_length(thresholds) between 1 and 20 and thresholds_rise(thresholds)),
        -- When it is checked next: now, once usage of its contract was seen to change.
        due_at timestamptz not null,
        created_at timestamptz not null,
        archived_at timestamptz
      )`);
    await runner.query(`create index usage_alert_contract_idx on usage_alert (contract_id) where archived_at is null`);
    await runner.query(`create index usage_alert_due_idx on usage_alert (due_at) where archived_at is null`);
    await runner.query(`create index usage_alert_service_idx on usage_alert (service_id, id)`);
    // What was reached stays reached: one event an alert, period and threshold.
    await runner.query(`
      create table usage_alert_event (
        id uuid primary key default uuid_v7(),
        alert_id uuid not null constraint usage_alert_event_alert_fkey references usage_alert,
        period_id uuid not null constraint usage_alert_event_period_fkey references billing_period,
        threshold numeric not null constraint usage_alert_event_threshold_check check (threshold > 0),
        value numeric not null constraint usage_alert_event_value_check check (value >= threshold),
        currency text,
        crossed_at timestamptz not null,
        constraint usage_alert_event_once_key unique (alert_id, period_id, threshold)
      )`);
    await runner.query(`create index usage_alert_event_crossed_idx on usage_alert_event (crossed_at, id)`);
    // How far a job has read the ledger: every row of an earlier transaction.
    await runner.query(`
      create table ledger_reader (
        name text primary key,
        read_before bigint not null
      )`);
    await runner.query(`insert into ledger_reader (name, read_before) select 'alerts', ledger_settled_before()`);
    await runner.query(`call keep_for_ever('usage_alert', 'delete or truncate')`);
    await runner.query(`call keep_for_ever('usage_alert_event', 'update or delete or truncate')`);
  }

  async down(): Promise<void> {
    throw new Error('Alerts cannot be taken back: restore a backup instead.');
  }
}
