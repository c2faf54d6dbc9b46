/** How far the mirror has come: the runs a pass takes up, and where each model stands, saved in one statement with what it read. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import type { Problem } from '../domain/errors';
import { type MirrorModel } from '../entities/sync-run';
import { WALK_ORDER } from './mirror-tables';

/** A run that is under way. */
export interface Run {
  id: string;
  model: MirrorModel;
  isFull: boolean;
}

/**
 * Ends what a dead process left running, takes up every queued run, and begins one for each of `models` that has none
 * queued which reads at least as much. In the order of reading.
 */
export async function takeUpRuns(ctx: Ctx, asked: { models: readonly MirrorModel[]; full: boolean }): Promise<Run[]> {
  const runs = await ctx.db.query<Run[]>(
    `with dead as (
       update sync_run set finished_at = $1::timestamptz, error = 'INTERNAL: the process ended before the run did'
        where started_at is not null and finished_at is null
     ), queued as (
       update sync_run set started_at = $1::timestamptz where started_at is null returning id, model, is_full
     ), begun as (
       insert into sync_run (model, is_full, requested_by, requested_at, started_at)
       select m.model, $3::boolean, $4, $5::timestamptz, $1::timestamptz from unnest($2::text[]) as m(model)
        where not exists (select 1 from queued q where q.model = m.model and q.is_full >= $3::boolean)
       returning id, model, is_full
     )
     select id, model, is_full as "isFull" from queued union all select id, model, is_full from begun order by id`,
    [ctx.clock(), asked.models, asked.full, ctx.actor.name, ctx.now],
  );
  return runs.sort((left, right) => WALK_ORDER.indexOf(left.model) - WALK_ORDER.indexOf(right.model));
}

/** Ends runs that failed. */
export async function failRuns(ctx: Ctx, runs: readonly Run[], error: string): Promise<void> {
  const ids = runs.map((run) => run.id);
  await ctx.db.query('update sync_run set finished_at = $2, error = $3 where id = any ($1)', [ids, ctx.clock(), error]);
}

/** Where a model stands between two walks. */
export interface Standing {
  /** Odoo's clock when the last walk that came to its end began; null before there was one. */
  readUntil: Date | null;
  /** A walk that was cut off. */
  cutOff: { startedAt: Date; afterId: number; full: boolean } | null;
  /** Records that runs have set aside since the last one that ended well, by Odoo id. */
  setAside: number[];
}

interface Standings {
  byModel: Map<MirrorModel, Standing>;
  /** The newest instant that was given to a walk. */
  issuedAt: Date | null;
}

interface StandingRow {
  model: MirrorModel;
  readUntil: Date | null;
  issuedAt: Date | null;
  startedAt: Date | null;
  afterId: number | null;
  full: boolean | null;
  setAside: number[];
}

/** Where every model stands. Only a pass changes it, and only one pass runs at a time. */
export async function readStandings(ctx: Ctx): Promise<Standings> {
  const rows = await ctx.db.query<StandingRow[]>(
    `select m.model, s.read_until as "readUntil", s.walk_started_at as "startedAt", s.walk_after_id as "afterId",
            s.walk_full as "full", max(s.issued_as_of) over () as "issuedAt",
            array(
              select distinct (problem -> 'details' ->> 'odooId')::integer
                from sync_run r cross join jsonb_array_elements(r.problems) as problem
               where r.model = m.model and r.id >= coalesce(
                 (select id from sync_run where model = m.model and finished_at is not null and error is null
                   order by id desc limit 1),
                 '00000000-0000-0000-0000-000000000000')
               order by 1) as "setAside"
       from unnest($1::text[]) as m(model) left join sync_state s on s.model = m.model`,
    [WALK_ORDER],
  );
  return { byModel: new Map(rows.map((row) => [row.model, standing(row)])), issuedAt: rows[0]?.issuedAt ?? null };
}

function standing({ readUntil, setAside, startedAt, afterId, full }: StandingRow): Standing {
  const cutOff = startedAt === null || afterId === null || full === null ? null : { startedAt, afterId, full };
  return { readUntil, setAside, cutOff };
}

export interface RunCounts {
  read: number;
  inserted: number;
  updated: number;
  unchanged: number;
  gone: number;
}

export interface RunProgress extends RunCounts {
  run: Run;
  problems: readonly Problem[];
  /** Null while the run goes on. */
  finishedAt: Date | null;
}

const SAVE_RUN = `update sync_run set read = $2, inserted = $3, updated = $4, unchanged = $5, gone = $6, problems = $7,
  finished_at = $8 where id = $1`;

/** What a run has counted so far. */
export async function saveRun(db: EntityManager, progress: RunProgress): Promise<void> {
  await db.query(SAVE_RUN, runParameters(progress));
}

/** How far a walk has come. */
export interface WalkPosition {
  startedAt: Date;
  /** The instant that the rows of the walk carry. */
  asOf: Date;
  full: boolean;
  /** Everything up to this id has been read; null: the walk is through. */
  afterId: number | null;
  /** The model counts as read as of `asOf` once the walk is through. */
  complete: boolean;
}

/** The same with how far its walk has come: one statement, so that neither is there without the other. */
export async function saveWalk(db: EntityManager, progress: RunProgress, walk: WalkPosition): Promise<void> {
  const isThrough = walk.afterId === null;
  await db.query(
    `with run as (${SAVE_RUN})
     insert into sync_state (model, issued_as_of, walk_started_at, walk_after_id, walk_full, read_until, as_of, last_full_at)
     values ($9, $10, $11, $12, $13, $14, $15, $16)
     on conflict (model) do update set issued_as_of = excluded.issued_as_of, walk_started_at = excluded.walk_started_at,
       walk_after_id = excluded.walk_after_id, walk_full = excluded.walk_full,
       read_until = coalesce(excluded.read_until, sync_state.read_until),
       as_of = coalesce(excluded.as_of, sync_state.as_of),
       last_full_at = coalesce(excluded.last_full_at, sync_state.last_full_at)`,
    [
      ...runParameters(progress),
      progress.run.model,
      walk.asOf,
      isThrough ? null : walk.startedAt,
      walk.afterId,
      isThrough ? null : walk.full,
      isThrough ? walk.startedAt : null,
      isThrough && walk.complete ? walk.asOf : null,
      isThrough && walk.full ? walk.startedAt : null,
    ],
  );
}

function runParameters(progress: RunProgress): unknown[] {
  const { run, read, inserted, updated, unchanged, gone, problems, finishedAt } = progress;
  return [run.id, read, inserted, updated, unchanged, gone, JSON.stringify(problems), finishedAt];
}
