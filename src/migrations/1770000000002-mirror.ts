import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Odoo's records as last read, and how the reading went. Mirror rows name each other by Odoo id. */
export class Mirror1770000000002 implements MigrationInterface {
  name = 'Mirror1770000000002';

  async up(runner: QueryRunner): Promise<void> {
    const plumbing = `
        write_date timestamptz not null,
        synced_at timestamptz not null,
        gone_at timestamptz`;
    await runner.query(`
      create table currency (
        id uuid primary key default uuid_v7(),
        odoo_id integer not null constraint currency_odoo_id_key unique,
        code text not null,
        decimal_places integer not null constraint currency_decimal_places_check check (decimal_places between 0 and 6),
        ${plumbing}
      )`);
    await runner.query(`
      create table plan (
        id uuid primary key default uuid_v7(),
        odoo_id integer not null constraint plan_odoo_id_key unique,
        name text not null,
        period_count integer not null constraint plan_period_count_check check (period_count > 0),
        period_unit text not null constraint plan_period_unit_check check (period_unit in ('week', 'month', 'year')),
        active boolean not null,
        ${plumbing}
      )`);
    await runner.query(`
      create table partner (
        id uuid primary key default uuid_v7(),
        odoo_id integer not null constraint partner_odoo_id_key unique,
        name text not null,
        email text,
        ref text,
        commercial_partner_odoo_id integer not null,
        active boolean not null,
        ${plumbing}
      )`);
    await runner.query(`create index partner_commercial_idx on partner (commercial_partner_odoo_id)`);
    await runner.query(`
      create table product (
        id uuid primary key default uuid_v7(),
        odoo_id integer not null constraint product_odoo_id_key unique,
        name text not null,
        code text,
        type text not null,
        invoice_policy text not null constraint product_invoice_policy_check check (invoice_policy in ('order', 'delivery')),
        active boolean not null,
        ${plumbing}
      )`);
    await runner.query(`
      create table contract (
        id uuid primary key default uuid_v7(),
        seen_next_invoice_on date,
        seen_invoice_odoo_id integer,
        planned_as_of timestamptz,
        created_at timestamptz not null
      )`);
    await runner.query(`
      create table subscription (
        id uuid primary key default uuid_v7(),
        odoo_id integer not null constraint subscription_odoo_id_key unique,
        contract_id uuid not null constraint subscription_contract_fkey references contract,
        contract_sequence integer not null default 1,
        name text not null,
        reference text,
        order_state text not null,
        subscription_state text constraint subscription_state_check check (subscription_state in
          ('DRAFT', 'RENEWAL_DRAFT', 'IN_PROGRESS', 'PAUSED', 'RENEWED', 'CHURNED', 'UPSELL')),
        locked boolean not null,
        partner_odoo_id integer not null constraint subscription_partner_fkey references partner (odoo_id),
        plan_odoo_id integer constraint subscription_plan_fkey references plan (odoo_id),
        currency_odoo_id integer not null constraint subscription_currency_fkey references currency (odoo_id),
        start_on date,
        next_invoice_on date,
        end_on date,
        ${plumbing},
        constraint subscription_contract_sequence_key unique (contract_id, contract_sequence)
      )`);
    await runner.query(`create index subscription_partner_idx on subscription (partner_odoo_id)`);
    await runner.query(`
      create table subscription_line (
        id uuid primary key default uuid_v7(),
        odoo_id integer not null constraint subscription_line_odoo_id_key unique,
        subscription_odoo_id integer not null constraint subscription_line_subscription_fkey references subscription (odoo_id),
        product_odoo_id integer constraint subscription_line_product_fkey references product (odoo_id),
        description text not null,
        display_type text,
        ordered_quantity numeric not null,
        delivered_quantity numeric not null,
        delivered_method text,
        invoiced_quantity numeric not null,
        unit_price numeric not null,
        discount numeric not null,
        ${plumbing}
      )`);
    await runner.query(`create index subscription_line_subscription_idx on subscription_line (subscription_odoo_id)`);
    await runner.query(`create index subscription_line_product_idx on subscription_line (product_odoo_id)`);
    await runner.query(`
      create table invoice (
        id uuid primary key default uuid_v7(),
        odoo_id integer not null constraint invoice_odoo_id_key unique,
        name text,
        move_type text not null constraint invoice_move_type_check check (move_type in ('out_invoice', 'out_refund')),
        state text not null constraint invoice_state_check check (state in ('draft', 'posted', 'cancel')),
        payment_state text not null,
        partner_odoo_id integer,
        currency_odoo_id integer not null constraint invoice_currency_fkey references currency (odoo_id),
        invoice_on date,
        amount_untaxed numeric not null,
        amount_total numeric not null,
        amount_residual numeric not null,
        ${plumbing}
      )`);
    // An invoice line belongs to the order lines it bills; Odoo's own link, sale_line_ids.
    await runner.query(`
      create table invoice_line (
        id uuid primary key default uuid_v7(),
        odoo_id integer not null constraint invoice_line_odoo_id_key unique,
        invoice_odoo_id integer not null constraint invoice_line_invoice_fkey references invoice (odoo_id),
        sale_line_odoo_ids integer[] not null,
        product_odoo_id integer,
        quantity numeric not null,
        unit_price numeric not null,
        subtotal numeric not null,
        ${plumbing}
      )`);
    await runner.query(`create index invoice_line_invoice_idx on invoice_line (invoice_odoo_id)`);
    await runner.query(`create index invoice_line_sale_lines_idx on invoice_line using gin (sale_line_odoo_ids)`);
    // issued_as_of: the newest instant given to rows. walk_*: the cursor of a walk under way, saved with each page.
    await runner.query(`
      create table sync_state (
        model text primary key,
        read_until timestamptz,
        as_of timestamptz,
        last_full_at timestamptz,
        issued_as_of timestamptz,
        walk_started_at timestamptz,
        walk_after_id integer,
        walk_full boolean,
        constraint sync_state_walk_check check
          ((walk_started_at is null) = (walk_after_id is null) and (walk_started_at is null) = (walk_full is null))
      )`);
    await runner.query(`
      create table sync_run (
        id uuid primary key default uuid_v7(),
        model text not null,
        is_full boolean not null,
        requested_by text not null,
        requested_at timestamptz not null,
        started_at timestamptz,
        finished_at timestamptz,
        read integer not null default 0,
        inserted integer not null default 0,
        updated integer not null default 0,
        unchanged integer not null default 0,
        gone integer not null default 0,
        problems jsonb not null default '[]',
        error text
      )`);
    await runner.query(`create index sync_run_model_idx on sync_run (model, id)`);
    await runner.query(`create index sync_run_failed_idx on sync_run (id) where error is not null`);
  }

  async down(): Promise<void> {
    throw new Error('The mirror cannot be taken back: restore a backup instead.');
  }
}
