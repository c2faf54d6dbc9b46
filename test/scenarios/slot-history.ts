/** What the slots held on the way: every value that Odoo took from us, against the intents that were on record before. */
import type { Story } from '../support/story';

/** How often slots were written, over all lines. */
export interface WriteCount {
  /** Writes that Odoo took, those without an answer included. */
  taken: number;
  /** Calls of a write on record, those that never reached Odoo included. */
  attempted: number;
}

/**
 * Fails unless every value that Odoo ever took for a slot was the empty one, or the target of an intent on record by then for
 * a period not settled before; and unless each write has an attempt of its own on record with just this value.
 */
export async function expectOnlyTargets(story: Story): Promise<WriteCount> {
  const writes = await slotWrites(story);
  const intents = await intentsOf(story);
  const attempts = await attemptsOf(story);
  const attempted = attempts.length;
  for (const write of writes) {
    const isTarget = write.value === 0 || intents.some((intent) => covers(intent, write));
    if (!isTarget) throw new Error(`Not a target of its slot: ${JSON.stringify({ write, intents })}`);
  }
  for (const write of writes) {
    const own = attempts.findIndex((attempt) => isSame(attempt, write) && attempt.at <= write.at);
    if (own === -1) throw new Error(`A write without an attempt on record: ${JSON.stringify({ write, attempts })}`);
    attempts.splice(own, 1);
  }
  return { taken: writes.length, attempted };
}

/** A value on its way into a slot, or there; `at` in milliseconds of the story's clock. */
interface SlotValue {
  line: number;
  value: number;
  at: number;
}

interface Intent extends SlotValue {
  /** When what Odoo billed for the period was given to it; null while it was not. */
  settledAt: number | null;
}

function covers(intent: Intent, write: SlotValue): boolean {
  const isLive = intent.at <= write.at && (intent.settledAt === null || intent.settledAt >= write.at);
  return isLive && isSame(intent, write);
}

function isSame(one: SlotValue, other: SlotValue): boolean {
  return one.line === other.line && one.value === other.value;
}

async function slotWrites(story: Story): Promise<SlotValue[]> {
  const writes = await story.test.sandbox.control.writes();
  return writes.flatMap(({ model, ids, vals, at }) => {
    const value = (vals as { qty_delivered?: number }).qty_delivered;
    if (model !== 'sale.order.line' || value === undefined) return [];
    return ids.map((line) => ({ line, value, at: Date.parse(`${at.slice(0, 23).replace(' ', 'T')}Z`) }));
  });
}

async function intentsOf(story: Story): Promise<Intent[]> {
  const rows = await story.test.app.db.query<{ line: number; value: string; at: Date; settled_at: Date | null }[]>(`
    select l.odoo_id as line, w.target as value, w.created_at as at,
           (select min(s.settled_at) from slot_settlement s
             where s.period_id = w.period_id and s.subscription_line_id = w.subscription_line_id) as settled_at
      from write_back w join subscription_line l on l.id = w.subscription_line_id
     where w.kind <> 'EMPTY' order by w.sequence`);
  return rows.map((row) => ({ ...slotValue(row), settledAt: row.settled_at?.getTime() ?? null }));
}

/** Attempts that may have reached Odoo: not those that only read, found Odoo away, or were refused. */
async function attemptsOf(story: Story): Promise<SlotValue[]> {
  const rows = await story.test.app.db.query<{ line: number; value: string; at: Date }[]>(`
    select l.odoo_id as line, a.value, a.started_at as at
      from write_back_attempt a join write_back w on w.id = a.write_back_id
      join subscription_line l on l.id = w.subscription_line_id
     where a.outcome is null or a.outcome in ('WRITTEN', 'RESTORED', 'UNKNOWN') order by a.started_at, a.id`);
  return rows.map(slotValue);
}

function slotValue({ line, value, at }: { line: number; value: string; at: Date }): SlotValue {
  return { line, value: Number(value), at: at.getTime() };
}
