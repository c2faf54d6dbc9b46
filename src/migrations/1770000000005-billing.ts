import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Rated lines, adjustments, blocks, write-backs and what Odoo billed for each slot. */
export class Billing1770000000005 implements MigrationInterface {
  name = 'Billing1770000000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table billable_line (
        id uuid primary key default uuid_v7(),
        period_id uuid not null constraint billable_line_period_fkey references billing_period,
        charge_id uuid not null constraint billable_line_charge_fkey references charge,
        bucket text not null default '',
        -- What the bucket is of: its name alone may be a hash.
        bucket_filter text,
        bucket_group jsonb not null default '{}',
        revision integer not null constraint billable_line_revision_check check (revision > 0),
        subscription_line_id uuid constraint billable_line_subscription_line_fkey references subscription_line,
        units numeric not null,
        billable_units numeric not null constraint billable_line_billable_units_check check (billable_units >= 0),
        value numeric not null,
        amount numeric not null,
        currency text not null,
        record_count bigint not null,
        explanation jsonb not null,
        -- The version of our rating code, and a fingerprint of the ledger rows it saw: what changed when another rating differs.
        rating_version integer not null constraint billable_line_rating_version_check check (rating_version > 0),
        ledger_mark text not null,
        created_at timestamptz not null,
        constraint billable_line_revision_key unique (period_id, charge_id, bucket, revision)
      )`);
    await runner.query(`create index billable_line_charge_idx on billable_line (charge_id, id)`);
    await runner.query(`
      create table adjustment (
        id uuid primary key default uuid_v7(),
        billable_line_id uuid not null constraint adjustment_billable_line_fkey references billable_line,
        origin_period_id uuid not null constraint adjustment_origin_period_fkey references billing_period,
        target_period_id uuid not null constraint adjustment_target_period_fkey references billing_period,
        product_id uuid not null constraint adjustment_product_fkey references product,
        value numeric not null constraint adjustment_value_check check (value <> 0),
        reason text not null,
        created_at timestamptz not null
      )`);
    await runner.query(`create index adjustment_line_idx on adjustment (billable_line_id)`);
    await runner.query(`create index adjustment_target_idx on adjustment (target_period_id)`);
    await runner.query(`
      create table billing_block (
        id uuid primary key default uuid_v7(),
        contract_id uuid not null constraint billing_block_contract_fkey references contract,
        period_id uuid not null constraint billing_block_period_fkey references billing_period,
        product_id uuid constraint billing_block_product_fkey references product,
        subscription_line_id uuid constraint billing_block_subscription_line_fkey references subscription_line,
        reason text not null,
        message text not null,
        since timestamptz not null,
        lifted_at timestamptz
      )`);
    await runner.query(
      `create unique index billing_block_live_key on billing_block (period_id, product_id, subscription_line_id, reason)
         nulls not distinct where lifted_at is null`,
    );
    await runner.query(
      `create index billing_block_contract_idx on billing_block (contract_id) where lifted_at is null`,
    );
    await runner.query(`
      create table write_back (
        id uuid primary key default uuid_v7(),
        sequence bigint generated always as identity,
        contract_id uuid not null constraint write_back_contract_fkey references contract,
        period_id uuid not null constraint write_back_period_fkey references billing_period,
        product_id uuid not null constraint write_back_product_fkey references product,
        subscription_line_id uuid not null constraint write_back_subscription_line_fkey references subscription_line,
        kind text not null constraint write_back_kind_check check (kind in ('EMPTY', 'PROVISIONAL', 'FINAL')),
        target numeric not null constraint write_back_target_check check (target >= 0 and (kind <> 'EMPTY' or target = 0)),
        state text not null constraint write_back_state_check check (state in
          ('PENDING', 'UNKNOWN', 'WRITTEN', 'INVOICED', 'BLOCKED', 'SUPERSEDED')),
        read_back numeric,
        attempts integer not null default 0,
        block_reason text,
        problem jsonb,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        constraint write_back_block_check check ((state = 'BLOCKED') = (block_reason is not null)),
        constraint write_back_written_check check (state <> 'WRITTEN' or read_back is not null)
      )`);
    await runner.query(
      `create unique index write_back_live_key on write_back (subscription_line_id) where state in ('PENDING', 'UNKNOWN')`,
    );
    await runner.query(`create index write_back_line_idx on write_back (subscription_line_id, sequence)`);
    await runner.query(`create index write_back_sequence_idx on write_back (sequence)`);
    await runner.query(`create index write_back_state_idx on write_back (state, sequence)`);
    await runner.query(`create index write_back_contract_idx on write_back (contract_id, sequence)`);
    await runner.query(`create index write_back_period_idx on write_back (period_id)`);
    await runner.query(`
      create table write_back_attempt (
        id uuid primary key default uuid_v7(),
        write_back_id uuid not null constraint write_back_attempt_write_back_fkey references write_back,
        value numeric not null,
        started_at timestamptz not null,
        finished_at timestamptz,
        outcome text constraint write_back_attempt_outcome_check check (outcome in ('WRITTEN', 'UNCHANGED', 'RESTORED', 'REFUSED', 'UNKNOWN', 'NOT_SENT')),
        observed jsonb,
        problem jsonb,
        constraint write_back_attempt_finished_check check ((finished_at is null) = (outcome is null))
      )`);
    await runner.query(`create index write_back_attempt_write_back_idx on write_back_attempt (write_back_id)`);
    // What Odoo billed for a slot. A period's slot is settled once it has a row: an invoice line, or the date that moved over nothing due.
    await runner.query(`
      create table slot_settlement (
        id uuid primary key default uuid_v7(),
        contract_id uuid not null constraint slot_settlement_contract_fkey references contract,
        period_id uuid not null constraint slot_settlement_period_fkey references billing_period,
        product_id uuid not null constraint slot_settlement_product_fkey references product,
        subscription_line_id uuid not null constraint slot_settlement_subscription_line_fkey references subscription_line,
        evidence text not null constraint slot_settlement_evidence_check check (evidence in ('INVOICE_LINE', 'DATE_MOVED')),
        invoice_line_id uuid constraint slot_settlement_invoice_line_key unique
          constraint slot_settlement_invoice_line_fkey references invoice_line,
        billed numeric not null,
        settled_at timestamptz not null,
        constraint slot_settlement_invoice_check check ((evidence = 'INVOICE_LINE') = (invoice_line_id is not null)),
        constraint slot_settlement_moved_check check (evidence = 'INVOICE_LINE' or billed = 0)
      )`);
    await runner.query(
      `create unique index slot_settlement_moved_key on slot_settlement (period_id, subscription_line_id) where evidence = 'DATE_MOVED'`,
    );
    await runner.query(`create index slot_settlement_contract_idx on slot_settlement (contract_id, product_id)`);
    await runner.query(`
      create table worker (
        id text primary key,
        seen_at timestamptz not null
      )`);
    // What the nightly check of the identities found, the newest of each service: rows that do not add up, usage unpriced.
    await runner.query(`
      create table identity_check (
        service_id uuid primary key constraint identity_check_service_fkey references service,
        checked_at timestamptz not null,
        records integer not null,
        units integer not null,
        money integer not null,
        unpriced integer not null
      )`);
    for (const table of ['billable_line', 'adjustment', 'slot_settlement'])
      await runner.query(`call keep_for_ever($1, 'update or delete or truncate')`, [table]);
  }

  async down(): Promise<void> {
    throw new Error('Billing cannot be taken back: restore a backup instead.');
  }
}
