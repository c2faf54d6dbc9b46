import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The ledger, its assignments and its rollup. */
export class Usage1770000000004 implements MigrationInterface {
  name = 'Usage1770000000004';

  async up(runner: QueryRunner): Promise<void> {
    // The number of the transaction that wrote a row: an id is no order of commits. Numbers start anew in another cluster, so
    // one that was restored shifts them beyond those it has (src/services/ledger-blocks.ts).
    await runner.query(`
      create table ledger_epoch (
        number integer primary key,
        shift bigint not null
      )`);
    await runner.query(`insert into ledger_epoch (number, shift) values (1, 0)`);
    await runner.query(`
      create function ledger_transaction() returns bigint language sql volatile as $$
        select pg_current_xact_id()::text::bigint + shift from ledger_epoch order by number desc limit 1
      $$`);
    await runner.query(`
      create function ledger_settled_before() returns bigint language sql stable as $$
        select pg_snapshot_xmin(pg_current_snapshot())::text::bigint + shift from ledger_epoch order by number desc limit 1
      $$`);
    // What a statement sees is settled when it begins. In here each statement is one of its own, so the second one sees what was
    // committed while the first one waited for a lane.
    await runner.query(`
      create function hold_lanes(lock_class integer, lanes integer[], service_ids uuid[])
      returns table (service_id uuid, version bigint) language plpgsql volatile as $$
      begin
        perform pg_advisory_xact_lock_shared(lock_class, lane) from unnest(lanes) as lane;
        return query select s.id, s.catalog_version from service s where s.id = any(service_ids);
      end
      $$`);
    // No foreign keys on the ledger: they cost 15 to 20 % of ingestion, and what it names can never be deleted
    // (refuse_change on service, metric, account_link, contract). `account` and `subscription_id` are as sent.
    await runner.query(`
      create table usage_record (
        id bigint generated always as identity primary key,
        transaction bigint not null default ledger_transaction(),
        service_id uuid not null,
        account_link_id uuid not null,
        contract_id uuid,
        unassigned_reason text constraint usage_record_unassigned_reason_check check (unassigned_reason in
          ('NO_CHARGE', 'NO_CONTRACT', 'SEVERAL_CONTRACTS')),
        metric_id uuid not null,
        window_start timestamptz not null,
        window_end timestamptz not null,
        counted_at timestamptz not null,
        quantity numeric not null
          constraint usage_record_quantity_check check (scale(quantity) <= 12 and abs(quantity) < 1e30),
        events integer constraint usage_record_events_check check (events >= 0),
        -- Of a WINDOW_TOTAL: which send of the window is the newer one.
        revision integer constraint usage_record_revision_check check (revision >= 0),
        -- Of a CUMULATIVE reading: where the meter stood before, and whether it began anew.
        opening numeric constraint usage_record_opening_check check (
          scale(opening) <= 12 and opening >= 0 and opening < 1e30),
        reset boolean constraint usage_record_reset_check check (reset),
        -- Of a UNIQUE_COUNT.
        operation text constraint usage_record_operation_check check (operation in ('ADD', 'REMOVE')),
        dimensions jsonb,
        meter text,
        source text,
        kind text not null default 'USAGE' constraint usage_record_kind_check check (kind in ('USAGE', 'VOID', 'REPLACEMENT')),
        corrects bigint,
        -- The usage record that a correction is of; what it takes the place of is named above.
        root bigint,
        reason text,
        actor text not null,
        account text,
        subscription_id uuid,
        late boolean not null,
        idempotency_key text not null
          constraint usage_record_idempotency_key_check check (length(idempotency_key) between 1 and 200),
        content_hash bytea not null constraint usage_record_content_hash_check check (length(content_hash) = 32),
        received_at timestamptz not null,
        constraint usage_record_service_key_key unique (service_id, idempotency_key),
        constraint usage_record_window_check check (window_end >= window_start),
        constraint usage_record_counted_check check (counted_at =
          case when window_end > window_start then window_end - interval '1 microsecond' else window_start end),
        constraint usage_record_corrects_check check ((kind = 'USAGE') = (corrects is null) and (corrects is null or reason is not null)),
        constraint usage_record_root_check check ((root is null) = (corrects is null)),
        constraint usage_record_assigned_check check ((contract_id is null) = (unassigned_reason is not null))
      )`);
    await runner.query(
      `create unique index usage_record_corrects_key on usage_record (corrects) where corrects is not null`,
    );
    await runner.query(`create index usage_record_transaction_idx on usage_record (transaction)`);
    await runner.query(`create index usage_record_root_idx on usage_record (root, id) where root is not null`);
    await runner.query(`create index usage_record_contract_idx on usage_record (contract_id, metric_id, counted_at)`);
    // Time rises as records come, so the index grows at its end: it costs recording little, and lists by time need it.
    await runner.query(`create index usage_record_counted_idx on usage_record (counted_at, id)`);
    await runner.query(`create index usage_record_link_idx on usage_record (account_link_id, id)`);
    await runner.query(
      `create index usage_record_unassigned_idx on usage_record (account_link_id, metric_id) where contract_id is null`,
    );
    await runner.query(`
      create table usage_assignment (
        id bigint generated always as identity primary key,
        transaction bigint not null default ledger_transaction(),
        record_id bigint not null constraint usage_assignment_record_fkey references usage_record,
        contract_id uuid not null constraint usage_assignment_contract_fkey references contract,
        assigned_at timestamptz not null,
        actor text not null,
        reason text not null,
        late boolean not null
      )`);
    await runner.query(`create index usage_assignment_record_idx on usage_assignment (record_id, id desc)`);
    await runner.query(`create index usage_assignment_contract_idx on usage_assignment (contract_id)`);
    await runner.query(`create index usage_assignment_transaction_idx on usage_assignment (transaction)`);
    // One row an hour for each (account link, contract or none yet, metric): both the account's and the contract's totals.
    await runner.query(`
      create table usage_rollup (
        account_link_id uuid not null,
        contract_id uuid,
        metric_id uuid not null,
        hour timestamptz not null constraint usage_rollup_hour_check check (date_trunc('hour', hour, 'UTC') = hour),
        quantity numeric not null,
        records bigint not null constraint usage_rollup_records_check check (records >= 0),
        constraint usage_rollup_key unique nulls not distinct (account_link_id, contract_id, metric_id, hour)
      )`);
    await runner.query(`create index usage_rollup_contract_idx on usage_rollup (contract_id, metric_id, hour)`);
    for (const table of ['usage_record', 'ledger_epoch'])
      await runner.query(`call keep_for_ever($1, 'update or delete or truncate')`, [table]);
    await runner.query(`call keep_for_ever('usage_assignment', 'update or delete or truncate')`);
  }

  async down(): Promise<void> {
    throw new Error('The ledger cannot be taken back: restore a backup instead.');
  }
}
