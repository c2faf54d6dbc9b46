import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Blocks that seal the ledger: each holds the hashes of its rows, and of the block before it. */
export class Seals1770000000006 implements MigrationInterface {
  name = 'Seals1770000000006';

  async up(runner: QueryRunner): Promise<void> {
    // What is hashed of a row: every column, in one text that depends on no setting of the session. A column that is added
    // later makes a format of its own; the blocks say which one they were made with.
    await runner.query(`
      create function usage_record_text(r usage_record) returns text language sql stable as $$
        select jsonb_build_array(1, r.id, r.transaction, r.service_id, r.account_link_id, r.contract_id, r.unassigned_reason,
          r.metric_id, extract(epoch from r.window_start), extract(epoch from r.window_end),
          extract(epoch from r.counted_at), r.quantity::text, r.events, r.revision,
          r.opening::text, r.reset, r.operation, r.dimensions, r.meter, r.source, r.kind, r.corrects,
          r.root, r.reason, r.actor, r.account, r.subscription_id, r.late, r.idempotency_key,
          encode(r.content_hash, 'hex'), extract(epoch from r.received_at))::text
      $$`);
    await runner.query(`
      create function usage_record_hash(r usage_record) returns bytea language sql stable as $$
        select sha256('\\x00'::bytea || convert_to(usage_record_text(r), 'UTF8'))
      $$`);
    await runner.query(`
      create table ledger_block (
        number bigint primary key constraint ledger_block_number_check check (number >= 1),
        -- Where the block ends; it begins after the end of the one before.
        last_transaction bigint not null,
        last_id bigint not null,
        record_ids bigint[] not null,
        row_hashes bytea not null,
        previous_hash bytea not null constraint ledger_block_previous_hash_check check (length(previous_hash) = 32),
        hash bytea not null constraint ledger_block_hash_key unique
          constraint ledger_block_hash_check check (length(hash) = 32),
        sealed_at timestamptz not null,
        constraint ledger_block_rows_check check (cardinality(record_ids) between 1 and 1000
          and length(row_hashes) = 32 * cardinality(record_ids))
      )`);
    await runner.query(`create index ledger_block_end_idx on ledger_block (last_transaction, last_id)`);
    await runner.query(`call keep_for_ever('ledger_block', 'update or delete or truncate')`);
  }

  async down(): Promise<void> {
    throw new Error('The ledger cannot be unsealed: restore a backup instead.');
  }
}
