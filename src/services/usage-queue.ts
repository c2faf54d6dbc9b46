/**
 * Lets single sends share a transaction. There is no timer: a group is what came while the one before it was committed, so that
 * a caller who is alone waits for nobody. Each caller has a queue of its own; what belongs to a record stays in its place.
 */
import { strict as assert } from 'node:assert';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { DataSource } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { counted } from '../domain/limits';
import type { UsageInput } from '../domain/usage-record';
import { connectionWasLost } from './transaction';

/** Beyond it the fixed cost of a transaction is a small part of a member's, and the first member waits for all the others. */
const MAX_GROUP_SIZE = 128;
/** Sends of one caller that wait at one time; each of them holds an HTTP connection. */
export const MAX_WAITING = 1_000;
/** By then a full queue has emptied, unless the database stands still. */
const RETRY_AFTER_MS = 1_000;

/** Records `inputs` in one transaction and gives a result for each, in their order. */
type RecordTogether<T> = (ctx: Ctx, inputs: readonly UsageInput[]) => Promise<T[]>;

interface Member<T> {
  ctx: Ctx;
  input: UsageInput;
  resolve: (result: T) => void;
  reject: (error: unknown) => void;
  /** Does something as a part of this member's request, for its trace. */
  inRequest: <R>(work: () => R) => R;
}

/** Those who wait, by caller; one who is not in it has no group under way. */
type Queues<T> = Map<string, Member<T>[]>;

/**
 * What sends one input together with others of the same caller, and gives its result after the commit.
 * @throws BillingError UNAVAILABLE with `retryAfterMs` when too many wait.
 */
export function usageQueue<T>(record: RecordTogether<T>): (ctx: Ctx, input: UsageInput) => Promise<T> {
  /** One set of queues a database: tests open several in one process. */
  const queuesOf = new WeakMap<DataSource, Queues<T>>();
  return (ctx, input) =>
    new Promise((resolve, reject) => {
      const queues = queuesOf.get(ctx.db) ?? new Map<string, Member<T>[]>();
      queuesOf.set(ctx.db, queues);
      const caller = `${ctx.actor.name} ${ctx.actor.serviceId ?? ''}`;
      const member: Member<T> = { ctx, input, resolve, reject, inRequest: requestOf(ctx) };
      const waiting = queues.get(caller);
      if (waiting !== undefined && waiting.length >= MAX_WAITING) return reject(fullQueue());
      ctx.metrics.usageSendsWaiting.inc();
      if (waiting === undefined) {
        queues.set(caller, [member]);
        void drain(queues, caller, record);
      } else waiting.push(member);
    });
}

/** Remembering it is not for nothing, and nobody asks for it without traces. */
function requestOf({ tracing }: Ctx): <R>(work: () => R) => R {
  return tracing === null ? (work) => work() : AsyncLocalStorage.snapshot();
}

/** Records one group after the other until nobody waits. */
async function drain<T>(queues: Queues<T>, caller: string, record: RecordTogether<T>): Promise<void> {
  const waiting = queues.get(caller) ?? [];
  for (;;) {
    const group = waiting.splice(0, MAX_GROUP_SIZE);
    const [first] = group;
    if (first === undefined) break;
    first.ctx.metrics.usageSendsWaiting.dec(group.length);
    // A trace shows the statements of a group in the request of its first member.
    await first.inRequest(() => settle(group, record));
  }
  queues.delete(caller);
}

/** Records the members together or, when that fails, each alone: who is at fault fails alone. Never throws. */
async function settle<T>(group: readonly Member<T>[], record: RecordTogether<T>): Promise<void> {
  try {
    const results = await recordGroup(group, record);
    for (const [index, { resolve }] of group.entries()) resolve(results[index] as T);
  } catch (error) {
    if (group.length === 1 || isEverybodys(error)) for (const { reject } of group) reject(error);
    else await Promise.all(group.map((member) => recordAlone(member, record)));
  }
}

/** As in a batch all members stand at one instant: that of the newest, before which none of them came to be recorded. */
async function recordGroup<T>(group: readonly Member<T>[], record: RecordTogether<T>): Promise<T[]> {
  const newest = group.at(-1);
  assert(newest);
  const inputs = group.map(({ input }) => input);
  try {
    return await record(newest.ctx, inputs);
  } catch (error) {
    if (!connectionWasLost(error)) throw error;
    // What was committed before the connection went is found by its key.
    return record(newest.ctx, inputs);
  }
}

async function recordAlone<T>(member: Member<T>, record: RecordTogether<T>): Promise<void> {
  const { ctx, input, resolve, reject, inRequest } = member;
  try {
    const [result] = await inRequest(() => record(ctx, [input]));
    resolve(result as T);
  } catch (error) {
    reject(error);
  }
}

/** Time-outs, which the wait of one member for a lock brings upon all. */
const TIME_OUTS = new Set<unknown>(['57014', '55P03']);

/** Whether each member alone would meet it as well: a database that cannot serve. */
function isEverybodys(error: unknown): boolean {
  if (!(error instanceof BillingError) || error.code !== 'UNAVAILABLE') return false;
  return !connectionWasLost(error) && !TIME_OUTS.has(error.details.sqlState);
}

function fullQueue(): BillingError {
  return new BillingError(
    'UNAVAILABLE',
    `${counted(MAX_WAITING)} records of this key wait already; send this one again.`,
    {
      retryAfterMs: RETRY_AFTER_MS,
    },
  );
}
