/** How fresh the mirror is, and what its runs did. */
import type { Ctx } from '../ctx';
import { parseInstant } from '../domain/parse';
import { type MirrorModel, SyncRun } from '../entities/sync-run';
import { SyncState } from '../entities/sync-state';
import { given } from './access';
import { fetchPage, orders, type Page, type PageArgs } from './page';
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

export interface SyncRunFilter {
  models?: readonly MirrorModel[] | null;
  full?: boolean | null;
  /** Only those that ended early, or only the others. */
  failed?: boolean | null;
  /** Only those that set records aside, or only those that set none aside. */
  setAside?: boolean | null;
  /** Asked for in `[from, to)`. */
  from?: string | null;
  to?: string | null;
}

const ORDERS = orders('REQUESTED_AT', [{ sql: 'run.id', type: 'uuid' }]);
export type SyncRunOrder = keyof typeof ORDERS;

/** Runs of the last month, what they met of records only for the whole installation. */
export async function listSyncRuns(
  ctx: Ctx,
  filter: SyncRunFilter,
  { order, page }: { order: SyncRunOrder; page: PageArgs },
): Promise<Page<SyncRun>> {
  const query = ctx.db.createQueryBuilder(SyncRun, 'run');
  const narrow = (name: string, condition: string, value: unknown): void => {
    if (value !== null && value !== undefined) query.andWhere(condition, { [name]: value });
  };
  narrow('models', 'run.model = any(:models)', filter.models);
  narrow('full', 'run.is_full = :full', filter.full);
  if (typeof filter.failed === 'boolean') query.andWhere(`run.error is ${filter.failed ? 'not ' : ''}null`);
  if (typeof filter.setAside === 'boolean') query.andWhere(`run.problems ${filter.setAside ? '<>' : '='} '[]'`);
  const from = given(filter.from, (text) => parseInstant(text, 'from'));
  narrow('from', 'run.requested_at >= :from', from);
  const to = given(filter.to, (text) => parseInstant(text, 'to'));
  narrow('to', 'run.requested_at < :to', to);
  const found = await fetchPage(query, ORDERS[order], page);
  return { ...found, nodes: found.nodes.map((run) => shown(ctx, run)) };
}

function shown(ctx: Ctx, run: SyncRun): SyncRun {
  if (ctx.actor.serviceId === null) return run;
  const hidden: Partial<SyncRun> = { problems: [], error: null, setAsideCount: run.problems.length };
  return Object.assign(new SyncRun(), run, hidden);
}
