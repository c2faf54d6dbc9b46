/**
 * The whole world between two messages as comparable text: every row of every table, the queue's included, and all that
 * Odoo holds. Two worlds with one text lead to the same end, because a new process knows nothing else.
 */
import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import type { SandboxState } from '../../sandbox/sandbox';
import { NEWEST_CHANGE } from '../../src/services/slots';

type Row = Record<string, unknown>;

/** One line a row, sorted: "table {columns}"; ids are replaced by what they stand for. */
export type World = readonly string[];

/**
 * What two runs of one scenario may differ in, and why nothing later hangs on it. Nothing else is left out; a table with
 * `rows` keeps those rows only.
 */
export const LEFT_OUT: Record<string, { columns?: readonly string[]; rows?: (row: Row) => boolean; why: string }> = {
  'public.worker': { rows: () => false, why: 'signs of life of processes, by the machine' },
  'public.sync_run': {
    rows: (row) => row.started_at === null || (row.problems as unknown[]).length > 0,
    why: 'a log of passes: what they have brought is in the mirror, where they stand is in sync_state',
  },
  'public.contract': { columns: ['planned_as_of'], why: 'whether all that is known is planned stands in its place' },
  'public.api_key': { columns: ['last_used_at'], why: 'how often a key is used depends on what is asked again' },
  'public.audit_entry': { columns: ['id'], why: 'a number that is drawn and rolled back is not given again' },
  'public.usage_record': {
    columns: ['transaction'],
    why: 'the number of a transaction: one that was cut off has taken a number, too',
  },
  'public.usage_assignment': { columns: ['id'], why: 'a number that is drawn and rolled back is not given again' },
  'public.write_back': {
    columns: ['sequence', 'attempts'],
    why: 'drawn and rolled back; and a write that was cut off is tried again, which its attempts tell',
  },
  'public.write_back_attempt': {
    rows: () => false,
    why: 'each try is on record, those cut off too; that none is missing is judged by the history of the slots',
  },
  'graphile_worker.migrations': { rows: () => false, why: "the queue's own schema, made before any scenario" },
  'graphile_worker._private_known_crontabs': { rows: () => false, why: 'when lines of the crontab were last queued' },
  'graphile_worker._private_jobs': {
    columns: [
      'id',
      'run_at',
      'created_at',
      'updated_at',
      'attempts',
      'last_error',
      'locked_at',
      'locked_by',
      'revision',
    ],
    why: 'the queue goes by the machine; a job that is due is the same after any number of tries',
  },
};

/** Reads everything; `observer` is connected to the App's database. */
export async function readWorld(observer: Client, odoo: SandboxState): Promise<World> {
  const { rows } = await observer.query<{ source: string; row: Row }>(await everything(observer));
  const kept = rows.filter(({ source, row }) => LEFT_OUT[source]?.rows?.(row) ?? true);
  const lines = kept.map(({ source, row }) => `${source} ${JSON.stringify(without(row, LEFT_OUT[source]?.columns))}`);
  return [...withoutIds(lines), ...odooLines(odoo)].sort();
}

const statements = new WeakMap<Client, string>();

/** One statement over every table there is, so that none is forgotten. */
async function everything(observer: Client): Promise<string> {
  const known = statements.get(observer);
  if (known !== undefined) return known;
  const { rows } = await observer.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  );
  const statement = rows
    .map(({ name }) => `select '${name}' as source, to_jsonb(c) || ${INSTEAD[name] ?? `'{}'`} as row from ${name} c`)
    .join(' union all ');
  statements.set(observer, statement);
  return statement;
}

/** What stands for a column: numbers of the ledger as ids that can be told from other numbers, and what an instant is read for. */
const INSTEAD: Record<string, string> = {
  'public.usage_record': `jsonb_build_object('id', 'record:' || c.id, 'corrects', 'record:' || c.corrects, 'root', 'record:' || c.root)`,
  'public.usage_assignment': `jsonb_build_object('record_id', 'record:' || c.record_id)`,
  'public.audit_entry': `case c.subject_type when 'usage_record' then jsonb_build_object('subject_id', 'record:' || c.subject_id) else '{}' end`,
  'public.contract': `jsonb_build_object('planned', c.planned_as_of is not distinct from ${NEWEST_CHANGE})`,
  'public.sync_state': `jsonb_build_object('covers', c.as_of >= (select max(synced_at) from subscription))`,
};

/** Passes at a standing clock are told apart by milliseconds; what is read of them is which is newer, see INSTEAD. */
const SECOND = '2026-03-01T08:00:00'.length;
const PASS_INSTANTS = ['synced_at', 'as_of', 'issued_as_of', 'walk_started_at'];

function without(row: Row, columns: readonly string[] = []): Row {
  const kept = Object.entries(row).filter(([name]) => !columns.includes(name));
  return Object.fromEntries(
    kept.map(([name, value]) => [name, PASS_INSTANTS.includes(name) ? value && String(value).slice(0, SECOND) : value]),
  );
}

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|record:\d+/g;
/** How far the content of a row reaches through ids: further than any chain of references between tables. */
const REACH = 6;

/** Random ids are named by the rows in which they stand, and those by the ids in them, several rounds long. */
function withoutIds(lines: readonly string[]): string[] {
  let names = new Map<string, string>();
  const named = (line: string): string => line.replaceAll(ID, (id) => names.get(id) ?? 'id');
  for (let round = 0; round < REACH; round += 1) {
    const standing = new Map<string, string[]>();
    for (const line of lines) {
      const text = named(line);
      for (const [place, [id]] of [...line.matchAll(ID)].entries()) {
        const places = standing.get(id) ?? [];
        standing.set(id, places);
        places.push(`${place} ${text}`);
      }
    }
    names = new Map([...standing].map(([id, places]) => [id, `#${digest(places.sort())}`]));
  }
  return lines.map(named);
}

/** For people to read: one row that differs gives another name to every row that refers to it. */
export function withoutNames(world: World): World {
  return world.map((line) => line.replaceAll(/#[\w-]{16}/g, '#'));
}

export function digest(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('base64url').slice(0, 16);
}

/** The writes it has taken are the past, not the state: they are judged by the history of the slots. */
function odooLines({ meta, sequences, rows, faults }: SandboxState): string[] {
  const records = Object.entries(rows).flatMap(([model, list]) =>
    list.map((row) => `odoo ${model} ${JSON.stringify(row)}`),
  );
  return [
    `odoo settings ${JSON.stringify({ ...meta, writes: undefined, apiKey: undefined, sequences, faults })}`,
    ...records,
  ];
}

/** Lines of one world that the other has not; empty when they are equal. */
export function differences(one: World, other: World): string[] {
  return [...minus(one, other).map((line) => `- ${line}`), ...minus(other, one).map((line) => `+ ${line}`)];
}

function minus(one: World, other: World): string[] {
  const left = new Map<string, number>();
  for (const line of other) left.set(line, (left.get(line) ?? 0) + 1);
  return one.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}
