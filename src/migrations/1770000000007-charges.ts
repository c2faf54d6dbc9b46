import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which of several charges that fit a contract rates it, and which of several lines carries a product: what a person decided. */
export class Charges1770000000007 implements MigrationInterface {
  name = 'Charges1770000000007';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table charge_pin (
        id bigint generated always as identity primary key,
        contract_id uuid not null constraint charge_pin_contract_fkey references contract,
        metric_id uuid not null constraint charge_pin_metric_fkey references metric,
        -- Null: no charge of the metric is pinned any more.
        charge_id uuid constraint charge_pin_charge_fkey references charge,
        actor text not null,
        reason text not null constraint charge_pin_reason_check check (length(reason) between 1 and 500),
        pinned_at timestamptz not null
      )`);
    await runner.query(`create index charge_pin_newest_idx on charge_pin (contract_id, metric_id, id)`);
    await runner.query(`call keep_for_ever('charge_pin', 'update or delete or truncate')`);
    await runner.query(`
      create table line_pin (
        id bigint generated always as identity primary key,
        contract_id uuid not null constraint line_pin_contract_fkey references contract,
        product_id uuid not null constraint line_pin_product_fkey references product,
        -- Null: no line of the product is pinned any more.
        subscription_line_id uuid constraint line_pin_subscription_line_fkey references subscription_line,
        actor text not null,
        reason text not null constraint line_pin_reason_check check (length(reason) between 1 and 500),
        pinned_at timestamptz not null
      )`);
    await runner.query(`create index line_pin_newest_idx on line_pin (contract_id, product_id, id)`);
    await runner.query(`call keep_for_ever('line_pin', 'update or delete or truncate')`);
  }

  async down(): Promise<void> {
    throw new Error('Decisions cannot be taken back: restore a backup instead.');
  }
}
