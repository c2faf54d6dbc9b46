import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What usage was expected when a period closed, the holes that people let go, and when contracts stood still. */
export class Completeness1770000000010 implements MigrationInterface {
  name = 'Completeness1770000000010';

  async up(runner: QueryRunner): Promise<void> {
    // As the metric expected it then: a later change is no matter of a closed period.
    await runner.query(`
      create table expected_usage (
        period_id uuid not null constraint expected_usage_period_fkey references billing_period,
        charge_id uuid not null constraint expected_usage_charge_fkey references charge,
        step text not null constraint expected_usage_step_check check (step in ('HOUR', 'DAY')),
        -- As last looked at: with a hole it is looked at again for ever, without one until the slot is settled.
        complete boolean not null default false,
        primary key (period_id, charge_id)
      )`);
    await runner.query(`
      create table gap_waiver (
        id uuid primary key default uuid_v7(),
        period_id uuid not null constraint gap_waiver_period_fkey references billing_period,
        metric_id uuid not null constraint gap_waiver_metric_fkey references metric,
        starts_at timestamptz not null,
        ends_at timestamptz not null,
        name text constraint gap_waiver_name_check check (length(name) between 1 and 200),
        reason text not null constraint gap_waiver_reason_check check (length(reason) between 1 and 500),
        actor text not null,
        created_at timestamptz not null,
        constraint gap_waiver_order_check check (ends_at > starts_at),
        constraint gap_waiver_span_key unique (period_id, metric_id, starts_at, ends_at)
      )`);
    await runner.query(`call keep_for_ever('gap_waiver', 'update or delete or truncate')`);
    // Odoo tells how an order is, not since when: written down as the mirror shows it change.
    await runner.query(`
      create table contract_standstill (
        id uuid primary key default uuid_v7(),
        contract_id uuid not null constraint contract_standstill_contract_fkey references contract,
        state text not null constraint contract_standstill_state_check check (state in ('PAUSED', 'CHURNED')),
        starts_at timestamptz not null,
        ends_at timestamptz,
        constraint contract_standstill_order_check check (ends_at >= starts_at)
      )`);
    await runner.query(
      `create unique index contract_standstill_open_key on contract_standstill (contract_id) where ends_at is null`,
    );
    await runner.query(`create index contract_standstill_contract_idx on contract_standstill (contract_id)`);
  }

  async down(): Promise<void> {
    throw new Error('What was expected and waived cannot be taken back: restore a backup instead.');
  }
}
