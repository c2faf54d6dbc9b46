/**
 * The mirror's passes: who asks for one, that only one runs at a time, and what follows it. A pass reads the models one
 * after the other; each reading is a row of sync_run. Nothing is tried again here: the next minute's pass does that.
 */
import assert from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { In, type EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { type MirrorModel, SyncRun } from '../entities/sync-run';
import { OdooFault, toBillingError } from '../odoo/fault';
import { enqueue } from '../queue';
import { writeAudit } from './audit';
import { failRuns, readStandings, type Run, takeUpRuns } from './mirror-progress';
import { WALK_ORDER } from './mirror-tables';
import { beginWalk, type Pass, walkModel, type WalkOptions } from './mirror-walk';
import { inTransaction, LOCK_CLASS } from './transaction';

/** Second key of the session lock under which passes run. */
const PASS = 0;
const LOCK_POLL_MS = 250;
/** How long a caller who wants its own pass waits for the one that runs. */
const LOCK_WAIT_MS = 600_000;
/** Passes in a row for runs that are queued meanwhile; the rest is the next minute's. */
const MAX_ROUNDS = 10;
/** Runs of the log older than this are removed by the nightly pass. */
const RUN_RETENTION_DAYS = 30;

export interface SyncRequest extends WalkOptions {
  /** Runs queued by `syncNow`; without them every model is read. */
  runIds?: readonly string[];
  /** Read and compare everything instead of what changed. */
  full?: boolean;
  /** Wait for a pass that is under way, up to ten minutes, and run then; otherwise leave it to that one. */
  wait?: boolean;
}

export interface SyncOutcome {
  /** The runs of this pass, in the order in which they ran; empty when another pass was under way. */
  runs: SyncRun[];
}

/**
 * Reads Odoo into the mirror, every model or the queued runs, and those queued meanwhile. While another pass runs, in
 * whatever process, it does nothing: that pass takes up what is queued, or the next minute's does. Failures of Odoo are on
 * the runs, not thrown.
 * @throws BillingError UNAVAILABLE when `wait` took too long.
 */
export async function runSync(ctx: Ctx, request: SyncRequest = {}): Promise<SyncOutcome> {
  const runs = await underPassLock(ctx, request.wait ?? false, () => runPasses(ctx, request));
  return { runs: runs ?? [] };
}

export interface SyncNowInput {
  /** Every model when not given. */
  models?: readonly MirrorModel[] | null;
  full: boolean;
}

/** Queues one run a model, or takes one that is queued already, and the job that runs them. Writes an audit entry. */
export async function syncNow(ctx: Ctx, input: SyncNowInput): Promise<{ runs: SyncRun[] }> {
  const models = WALK_ORDER.filter((model) => input.models?.includes(model) ?? true);
  if (models.length === 0) throw new BillingError('VALIDATION_FAILED', 'Name at least one model.', { field: 'models' });
  return inTransaction(ctx, async (tx) => {
    const runs: SyncRun[] = [];
    for (const model of models) {
      const asked = { model, full: input.full };
      runs.push((await queuedRun(tx, asked)) ?? (await addRun(tx, ctx, asked)));
    }
    for (const run of runs) {
      await writeAudit(tx, ctx, {
        action: 'sync.requested',
        subjectType: 'sync_run',
        subjectId: run.id,
        serviceId: ctx.actor.serviceId,
        details: { model: run.model, full: input.full },
      });
    }
    await enqueue(tx, 'sync-odoo', { runIds: runs.map((run) => run.id) });
    return { runs };
  });
}

/** A run of the model that nobody has taken up yet and that reads at least as much. */
async function queuedRun(tx: EntityManager, asked: { model: MirrorModel; full: boolean }): Promise<SyncRun | null> {
  return tx
    .createQueryBuilder(SyncRun, 'run')
    .where('run.model = :model and run.started_at is null and run.is_full >= :full', asked)
    .orderBy('run.id')
    .limit(1)
    .getOne();
}

async function addRun(tx: EntityManager, ctx: Ctx, asked: { model: MirrorModel; full: boolean }): Promise<SyncRun> {
  const inserted = await tx.query<{ id: string }[]>(
    'insert into sync_run (model, is_full, requested_by, requested_at) values ($1, $2, $3, $4) returning id',
    [asked.model, asked.full, ctx.actor.name, ctx.now],
  );
  return tx.findOneByOrFail(SyncRun, { id: inserted.map((row) => row.id).join() });
}

/** Runs `work` while this session holds the lock of passes; undefined when another one does. */
async function underPassLock<T>(ctx: Ctx, wait: boolean, work: () => Promise<T>): Promise<T | undefined> {
  const session = ctx.db.createQueryRunner();
  try {
    await session.connect();
    for (let waitedMs = 0; ; waitedMs += LOCK_POLL_MS) {
      const [lock] = (await session.query('select pg_try_advisory_lock($1, $2) as taken', [LOCK_CLASS.SYNC, PASS])) as {
        taken: boolean;
      }[];
      if (lock?.taken) break;
      if (!wait) return undefined;
      if (waitedMs >= LOCK_WAIT_MS) throw new BillingError('UNAVAILABLE', 'Another sync has been running too long.');
      await sleep(LOCK_POLL_MS);
    }
    try {
      return await work();
    } finally {
      await session.query('select pg_advisory_unlock($1, $2)', [LOCK_CLASS.SYNC, PASS]);
    }
  } finally {
    await session.release();
  }
}

async function runPasses(ctx: Ctx, request: SyncRequest): Promise<SyncRun[]> {
  const done: string[] = [];
  const full = request.full ?? false;
  let runs = await takeUpRuns(ctx, { models: request.runIds === undefined ? WALK_ORDER : [], full });
  for (let round = 1; runs.length > 0 && round <= MAX_ROUNDS; round += 1) {
    await runPass(ctx, runs, request);
    done.push(...runs.map((run) => run.id));
    runs = await takeUpRuns(ctx, { models: [], full });
  }
  const rows = await ctx.db.manager.findBy(SyncRun, { id: In(done) });
  return rows.sort((left, right) => done.indexOf(left.id) - done.indexOf(right.id));
}

/** Runs `runs` in their order. When Odoo cannot serve, those that are left fail with it. */
async function runPass(ctx: Ctx, runs: readonly Run[], options: WalkOptions): Promise<void> {
  const { byModel, issuedAt } = await readStandings(ctx);
  const pass: Pass = { ctx, options, serverTime: null, issuedAt };
  for (const [index, run] of runs.entries()) {
    try {
      // A second run of a model begins where the first has left it.
      const standing = byModel.get(run.model) ?? (await readStandings(ctx)).byModel.get(run.model);
      assert(standing !== undefined, 'every model stands somewhere');
      byModel.delete(run.model);
      await walkModel(beginWalk(pass, run, standing));
    } catch (thrown) {
      ctx.log.error({ model: run.model, runId: run.id, err: thrown }, 'sync run failed');
      const isOutage = thrown instanceof OdooFault && toBillingError(thrown).retryable;
      await failRuns(ctx, isOutage ? runs.slice(index) : [run], describeFailure(thrown));
      if (isOutage) break;
    }
  }
  await endPass(ctx, { full: runs.at(-1)?.isFull ?? false });
}

/** Code first, as `SyncRun.error` is read; what is not ours to show stays in the log. */
function describeFailure(thrown: unknown): string {
  const known = thrown instanceof OdooFault ? toBillingError(thrown) : thrown;
  if (known instanceof BillingError) return `${known.code}: ${known.message}`;
  return 'INTERNAL: the log of this run tells more';
}

/** Queues the jobs that live on what a pass brought. */
async function endPass(ctx: Ctx, pass: { full: boolean }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await enqueue(tx, 'advance-contracts', {}, { jobKey: 'advance-contracts' });
    await enqueue(tx, 'assign-usage', {}, { jobKey: 'assign-usage' });
    if (!pass.full) return;
    await tx.query(`delete from sync_run where finished_at < $1::timestamptz - make_interval(days => $2)`, [
      ctx.clock(),
      RUN_RETENTION_DAYS,
    ]);
  });
}
