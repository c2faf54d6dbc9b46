/** How fresh the mirror is, and what its last runs did. */
import type { Ctx } from '../ctx';
import { type MirrorModel, SyncRun } from '../entities/sync-run';
import { SyncState } from '../entities/sync-state';
import { WALK_ORDER } from './mirror-tables';

export interface ModelStatus {
  model: MirrorModel;
  asOf: Date | null;
  lastRun: SyncRun | null;
  running: boolean;
}

export interface SyncStatus {
  /** Null until every model has been read once. */
  asOf: Date | null;
  odooReachable: boolean;
  models: ModelStatus[];
}

/** Set-aside records and failures name records of the whole of Odoo: a service's key sees the counts only. */
export async function syncStatus(ctx: Ctx): Promise<SyncStatus> {
  const states = new Map((await ctx.db.manager.find(SyncState)).map((state) => [state.model, state]));
  const lastRuns = new Map((await newestRuns(ctx)).map((run) => [run.model, run]));
  const models = WALK_ORDER.map((model): ModelStatus => {
    const lastRun = lastRuns.get(model) ?? null;
    const running = lastRun !== null && lastRun.finishedAt === null;
    const asOf = states.get(model)?.asOf ?? null;
    return { model, asOf, lastRun: lastRun === null ? null : shown(ctx, lastRun), running };
  });
  const instants = models.map(({ asOf }) => asOf?.getTime() ?? Infinity);
  const oldest = Math.min(...instants);
  const complete = models.every(({ asOf }) => asOf !== null);
  const lastPassFailed = [...lastRuns.values()].some((run) => run.error?.startsWith('UPSTREAM_UNAVAILABLE') === true);
  return {
    asOf: complete ? new Date(oldest) : null,
    odooReachable: ctx.odoo.status().reachable && !lastPassFailed,
    models,
  };
}

/** The newest run of each model that has begun. */
async function newestRuns(ctx: Ctx): Promise<SyncRun[]> {
  return ctx.db
    .createQueryBuilder(SyncRun, 'run')
    .distinctOn(['run.model'])
    .where('run.started_at is not null')
    .orderBy('run.model')
    .addOrderBy('run.id', 'DESC')
    .getMany();
}

function shown(ctx: Ctx, run: SyncRun): SyncRun {
  return ctx.actor.serviceId === null ? run : Object.assign(new SyncRun(), run, { problems: [], error: null });
}
