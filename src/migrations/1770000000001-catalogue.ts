import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Services, keys, links, metrics, charges, and the audit log: what people and services set up. */
export class Catalogue1770000000001 implements MigrationInterface {
  name = 'Catalogue1770000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create extension if not exists btree_gist`);
    // PostgreSQL has uuidv7() from 18 on; 15 is the oldest we support. As there, the 12 bits after the milliseconds are
    // their fraction: rows of one statement sort in the order in which they were made.
    await runner.query(`
      create function uuid_v7() returns uuid language sql volatile parallel safe as $$
        select (overlay(lpad(to_hex((extract(epoch from clock_timestamp()) * 4096000)::bigint), 15, '0')
          placing '7' from 13 for 0) || substr(gen_random_uuid()::text, 20))::uuid
      $$`);
    await runner.query(`
      create function refuse_change() returns trigger language plpgsql as $$
      begin
        raise exception '% on % is refused: its rows are kept for ever', tg_op, tg_table_name
          using errcode = 'restrict_violation';
      end $$`);
    // A trigger, so that nobody, the owner included, can undo what was recorded.
    await runner.query(`
      create procedure keep_for_ever(target text, operations text) language plpgsql as $$
      begin
        execute format('create trigger %s_refuse before %s on %I for each statement execute function refuse_change()',
          target, operations, target);
      end $$`);
    await runner.query(`
      create table service (
        id uuid primary key default uuid_v7(),
        code text not null constraint service_code_key unique
          constraint service_code_check check (code ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
        name text not null constraint service_name_check check (length(name) between 1 and 200),
        stage text not null default 'SHADOW' constraint service_stage_check check (stage in ('SHADOW', 'DUAL_RUN', 'LIVE')),
        catalog_version bigint not null default 1,
        created_at timestamptz not null,
        archived_at timestamptz
      )`);
    await runner.query(`
      create table api_key (
        id uuid primary key default uuid_v7(),
        service_id uuid constraint api_key_service_fkey references service,
        name text not null constraint api_key_name_check check (length(name) between 1 and 200),
        prefix text not null,
        secret_hash text not null constraint api_key_secret_hash_key unique
          constraint api_key_secret_hash_check check (secret_hash ~ '^[0-9a-f]{64}$'),
        scopes text[] not null constraint api_key_scopes_check check (cardinality(scopes) > 0),
        created_at timestamptz not null,
        expires_at timestamptz,
        last_used_at timestamptz,
        revoked_at timestamptz
      )`);
    await runner.query(
      `create unique index api_key_env_key on api_key (name) where name = 'env' and revoked_at is null`,
    );
    await runner.query(`
      create table metric (
        id uuid primary key default uuid_v7(),
        service_id uuid not null constraint metric_service_fkey references service,
        code text not null constraint metric_code_check check (code ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$'),
        name text not null constraint metric_name_check check (length(name) between 1 and 200),
        unit text not null constraint metric_unit_check check (length(unit) between 1 and 50),
        aggregation text not null constraint metric_aggregation_check check (aggregation in
          ('SUM', 'COUNT', 'MAX', 'LATEST', 'UNIQUE_COUNT', 'WEIGHTED_SUM')),
        semantics text not null default 'DELTA' constraint metric_semantics_check check (semantics = 'DELTA'
          or semantics = 'WINDOW_TOTAL' and aggregation <> 'UNIQUE_COUNT'
          or semantics = 'CUMULATIVE' and aggregation in ('SUM', 'COUNT')),
        signed boolean not null default false constraint metric_signed_check check (not signed
          or semantics <> 'CUMULATIVE' and aggregation <> 'UNIQUE_COUNT'),
        per_event boolean not null default false,
        recurring boolean not null default false constraint metric_recurring_check check (not recurring
          or aggregation in ('SUM', 'UNIQUE_COUNT', 'WEIGHTED_SUM')),
        unique_by text constraint metric_unique_by_check check (
          (aggregation = 'UNIQUE_COUNT') = (unique_by is not null) and length(unique_by) between 1 and 100),
        expects text constraint metric_expects_check check (expects in ('HOUR', 'DAY')),
        rounding_mode text constraint metric_rounding_mode_check check (rounding_mode in ('ROUND', 'CEIL', 'FLOOR')),
        rounding_places integer constraint metric_rounding_places_check check (
          (rounding_mode is null) = (rounding_places is null) and rounding_places between -12 and 12),
        created_at timestamptz not null,
        archived_at timestamptz,
        constraint metric_service_code_key unique (service_id, code)
      )`);
    await runner.query(`
      create table audit_entry (
        id bigint generated always as identity primary key,
        at timestamptz not null,
        actor text not null,
        action text not null,
        subject_type text not null,
        subject_id text not null,
        service_id uuid,
        details jsonb not null default '{}'
      )`);
    await runner.query(`create index audit_entry_subject_idx on audit_entry (subject_id, id)`);
    await runner.query(`create index audit_entry_service_idx on audit_entry (service_id, id)`);
    await runner.query(`call keep_for_ever('audit_entry', 'update or delete or truncate')`);
    for (const table of ['service', 'metric'])
      await runner.query(`call keep_for_ever($1, 'delete or truncate')`, [table]);
  }

  async down(): Promise<void> {
    throw new Error('The catalogue cannot be taken back: restore a backup instead.');
  }
}
