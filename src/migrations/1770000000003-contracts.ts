import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Links, charges, billers, periods: who is billed for what, in which time. */
export class Contracts1770000000003 implements MigrationInterface {
  name = 'Contracts1770000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table account_link (
        id uuid primary key default uuid_v7(),
        service_id uuid not null constraint account_link_service_fkey references service,
        account text not null constraint account_link_account_check check (length(account) between 1 and 200),
        partner_id uuid not null constraint account_link_partner_fkey references partner,
        contract_id uuid constraint account_link_contract_fkey references contract,
        valid_from timestamptz not null,
        valid_to timestamptz,
        created_at timestamptz not null,
        archived_at timestamptz,
        constraint account_link_valid_check check (valid_to is null or valid_to > valid_from),
        constraint account_link_overlap_excl exclude using gist
          (service_id with =, account with =, tstzrange(valid_from, valid_to) with &&) where (archived_at is null)
      )`);
    await runner.query(`create index account_link_partner_idx on account_link (partner_id)`);
    // Rules of the catalogue as constraints: a product belongs to one service, and its charges share mode, currency, factor.
    await runner.query(`
      create table charge (
        id uuid primary key default uuid_v7(),
        service_id uuid not null constraint charge_service_fkey references service,
        metric_id uuid not null constraint charge_metric_fkey references metric,
        product_id uuid not null constraint charge_product_fkey references product,
        mode text not null constraint charge_mode_check check (mode in ('QUANTITY', 'AMOUNT')),
        price jsonb,
        currency text,
        free_units numeric not null default 0 constraint charge_free_units_check check (free_units >= 0),
        units_per_product_unit numeric not null default 1
          constraint charge_units_per_product_unit_check check (units_per_product_unit > 0),
        minimum_amount numeric not null default 0 constraint charge_minimum_amount_check check (minimum_amount >= 0),
        filters jsonb not null default '[]' constraint charge_filters_check check (jsonb_typeof(filters) = 'array'),
        group_by text[] not null default '{}',
        plan_odoo_id integer constraint charge_plan_fkey references plan (odoo_id),
        contract_id uuid constraint charge_contract_fkey references contract,
        -- Versions of one charge: the first of them (null in itself), and the one that this one took over from.
        first_id uuid constraint charge_first_fkey references charge,
        previous_id uuid constraint charge_previous_fkey references charge,
        on_gap text not null default 'BILL_KNOWN' constraint charge_on_gap_check check (on_gap in ('BILL_KNOWN', 'HOLD')),
        valid_from date,
        valid_to date,
        created_at timestamptz not null,
        archived_at timestamptz,
        constraint charge_priced_check check ((mode = 'AMOUNT') = (price is not null) and (price is null) = (currency is null)),
        constraint charge_amount_factor_check check (mode = 'QUANTITY' or units_per_product_unit = 1),
        constraint charge_minimum_mode_check check (mode = 'AMOUNT' or minimum_amount = 0),
        constraint charge_buckets_mode_check check (mode = 'AMOUNT' or (filters = '[]' and group_by = '{}')),
        constraint charge_bound_once_check check (plan_odoo_id is null or contract_id is null),
        constraint charge_valid_check check (valid_to >= valid_from),
        constraint charge_product_service_excl exclude using gist (product_id with =, service_id with <>),
        constraint charge_product_mode_excl exclude using gist (product_id with =, mode with <>),
        constraint charge_product_currency_excl exclude using gist (product_id with =, (coalesce(currency, '')) with <>),
        constraint charge_product_factor_excl exclude using gist (product_id with =, units_per_product_unit with <>),
        -- A charge that was archived may have a successor on the same product, at another price; a version that was withdrawn
        -- is valid on no day.
        constraint charge_metric_product_excl exclude using gist (metric_id with =, product_id with =,
          (coalesce(contract_id::text, plan_odoo_id::text, '')) with =, daterange(valid_from, valid_to) with &&)
          where (archived_at is null)
      )`);
    await runner.query(`create index charge_product_idx on charge (product_id, contract_id)`);
    await runner.query(
      `create unique index charge_previous_key on charge (previous_id) where valid_to is null or valid_to > valid_from`,
    );
    await runner.query(`
      create table biller_span (
        id uuid primary key default uuid_v7(),
        contract_id uuid not null constraint biller_span_contract_fkey references contract,
        service_id uuid not null constraint biller_span_service_fkey references service,
        biller text not null constraint biller_span_biller_check check (biller in ('LAGO', 'ODOO', 'NONE')),
        reason text,
        starts_at timestamptz,
        ends_at timestamptz,
        invoices_after_odoo_id integer,
        constraint biller_span_reason_check check (biller <> 'NONE' or reason is not null),
        constraint biller_span_order_check check (starts_at is null or ends_at is null or ends_at > starts_at),
        constraint biller_span_overlap_excl exclude using gist
          (contract_id with =, service_id with =, tstzrange(starts_at, ends_at) with &&)
      )`);
    await runner.query(`
      create table billing_period (
        id uuid primary key default uuid_v7(),
        contract_id uuid not null constraint billing_period_contract_fkey references contract,
        start_on date not null,
        end_on date,
        start_at timestamptz not null,
        end_at timestamptz,
        state text not null default 'OPEN' constraint billing_period_state_check check (state in ('OPEN', 'CLOSED')),
        dirty boolean not null default false,
        derived boolean not null default false,
        confirmed_at timestamptz,
        closed_at timestamptz,
        created_at timestamptz not null,
        constraint billing_period_order_check check (end_at is null or end_at > start_at),
        constraint billing_period_closed_check check ((state = 'CLOSED') = (closed_at is not null) and (state = 'OPEN' or end_at is not null)),
        constraint billing_period_days_check check ((end_on is null) = (end_at is null)),
        constraint billing_period_dirty_check check (not dirty or state = 'CLOSED'),
        constraint billing_period_overlap_excl exclude using gist
          (contract_id with =, tstzrange(start_at, end_at) with &&)
      )`);
    await runner.query(
      `create unique index billing_period_open_key on billing_period (contract_id) where state = 'OPEN'`,
    );
    await runner.query(`create index billing_period_due_idx on billing_period (end_at) where state = 'OPEN'`);
    await runner.query(`create index billing_period_start_idx on billing_period (start_at, id)`);
    await runner.query(`create index billing_period_contract_idx on billing_period (contract_id, start_at, id)`);
    // Tiling is checked at commit: within a transaction a boundary may be moved in two statements.
    await runner.query(`
      create function billing_period_tile() returns trigger language plpgsql as $$
      begin
        if exists (
          select 1 from (
            select start_at, lag(end_at) over (order by start_at) as previous_end,
                   row_number() over (order by start_at) as position
              from billing_period where contract_id = new.contract_id) p
           where position > 1 and start_at is distinct from previous_end
        ) then
          raise exception 'billing periods of contract % leave a gap', new.contract_id using errcode = 'check_violation',
            constraint = 'billing_period_tile';
        end if;
        return null;
      end $$`);
    await runner.query(`
      create constraint trigger billing_period_tile after insert or update on billing_period
        deferrable initially deferred for each row execute function billing_period_tile()`);
    await runner.query(`
      create function biller_span_tile() returns trigger language plpgsql as $$
      begin
        if exists (
          select 1 from (
            select starts_at, ends_at,
                   lag(ends_at) over w as previous_end, row_number() over w as position, count(*) over () as spans
              from biller_span where contract_id = new.contract_id and service_id = new.service_id
            window w as (order by starts_at nulls first)) s
           where (position = 1 and starts_at is not null) or (position = spans and ends_at is not null)
              or (position > 1 and starts_at is distinct from previous_end)
        ) then
          raise exception 'biller spans of contract % do not tile time', new.contract_id using errcode = 'check_violation',
            constraint = 'biller_span_tile';
        end if;
        return null;
      end $$`);
    await runner.query(`
      create constraint trigger biller_span_tile after insert or update on biller_span
        deferrable initially deferred for each row execute function biller_span_tile()`);
    for (const table of ['account_link', 'charge', 'contract', 'biller_span', 'billing_period'])
      await runner.query(`call keep_for_ever($1, 'delete or truncate')`, [table]);
  }

  async down(): Promise<void> {
    throw new Error('Contracts cannot be taken back: restore a backup instead.');
  }
}
