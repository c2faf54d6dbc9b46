import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What people and plans do to a balance by name, what waits for a person at an end, and what newer rating code would rate otherwise. */
export class Balances1770000000008 implements MigrationInterface {
  name = 'Balances1770000000008';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table balance_entry (
        id uuid primary key default uuid_v7(),
        service_id uuid not null constraint balance_entry_service_fkey references service,
        contract_id uuid not null constraint balance_entry_contract_fkey references contract,
        product_id uuid not null constraint balance_entry_product_fkey references product,
        period_id uuid not null constraint balance_entry_period_fkey references billing_period,
        kind text not null constraint balance_entry_kind_check check (kind in
          ('WAIVED', 'INVOICED', 'CREDITED', 'WRITTEN_OFF', 'PASSED_OUT', 'PASSED_IN')),
        value numeric not null constraint balance_entry_value_check check (value <> 0),
        reason text not null constraint balance_entry_reason_check check (length(reason) between 1 and 500),
        actor text not null,
        counterpart_id uuid constraint balance_entry_counterpart_fkey references balance_entry,
        idempotency_key text,
        created_at timestamptz not null,
        constraint balance_entry_counterpart_check check ((kind in ('PASSED_OUT', 'PASSED_IN')) = (counterpart_id is not null)),
        constraint balance_entry_idempotency_key_check check
          (idempotency_key is null or (kind = 'WAIVED' and length(idempotency_key) between 1 and 200))
      )`);
    await runner.query(
      `create unique index balance_entry_service_key_key on balance_entry (service_id, idempotency_key)
         where idempotency_key is not null`,
    );
    await runner.query(`create index balance_entry_contract_idx on balance_entry (contract_id, product_id, kind)`);
    // Immutable but for its end: another value makes another item, so that nobody settles what was not shown.
    await runner.query(`
      create table final_due (
        id uuid primary key default uuid_v7(),
        service_id uuid not null constraint final_due_service_fkey references service,
        contract_id uuid not null constraint final_due_contract_fkey references contract,
        product_id uuid not null constraint final_due_product_fkey references product,
        value numeric not null constraint final_due_value_check check (value <> 0),
        cause text not null constraint final_due_cause_check check (cause in ('LINE_GONE', 'CONTRACT_ENDED')),
        state text not null constraint final_due_state_check check (state in ('OPEN', 'SETTLED', 'LIFTED')),
        found_at timestamptz not null,
        closed_at timestamptz,
        balance_entry_id uuid constraint final_due_balance_entry_key unique
          constraint final_due_balance_entry_fkey references balance_entry,
        constraint final_due_closed_check check ((state = 'OPEN') = (closed_at is null)),
        constraint final_due_settled_check check ((state = 'SETTLED') = (balance_entry_id is not null))
      )`);
    await runner.query(
      `create unique index final_due_open_key on final_due (contract_id, product_id) where state = 'OPEN'`,
    );
    await runner.query(`
      create table rating_difference (
        id uuid primary key default uuid_v7(),
        period_id uuid not null constraint rating_difference_period_fkey references billing_period,
        charge_id uuid not null constraint rating_difference_charge_fkey references charge,
        bucket text not null,
        billable_line_id uuid not null constraint rating_difference_billable_line_fkey references billable_line,
        from_version integer not null,
        to_version integer not null,
        stored_value numeric not null,
        new_value numeric not null,
        found_at timestamptz not null,
        state text not null constraint rating_difference_state_check check
          (state in ('OPEN', 'ACCEPTED', 'REFUSED', 'WITHDRAWN')),
        decided_at timestamptz,
        actor text,
        reason text constraint rating_difference_reason_check check (length(reason) between 1 and 500),
        constraint rating_difference_version_check check (to_version > from_version),
        constraint rating_difference_value_check check (new_value <> stored_value),
        constraint rating_difference_decided_check check ((state = 'OPEN') = (decided_at is null)),
        constraint rating_difference_actor_check check
          ((state in ('ACCEPTED', 'REFUSED')) = (actor is not null) and (actor is null) = (reason is null))
      )`);
    await runner.query(
      `create unique index rating_difference_open_key on rating_difference (period_id, charge_id, bucket) where state = 'OPEN'`,
    );
    await runner.query(`create index rating_difference_line_idx on rating_difference (billable_line_id)`);
    await runner.query(`call keep_for_ever('balance_entry', 'update or delete or truncate')`);
    for (const table of ['final_due', 'rating_difference'])
      await runner.query(`call keep_for_ever($1, 'delete or truncate')`, [table]);
  }

  async down(): Promise<void> {
    throw new Error('Balances cannot be taken back: restore a backup instead.');
  }
}
