/** The schema's own guards: every constraint and trigger is listed here by name, and each is seen to refuse. */
import { Client, type DatabaseError } from 'pg';
import { createTestDatabase, expectNoLeaks, type TestDatabase } from '../support/db';
import { PROVOCATIONS } from './provocations';
import { FRESH, WORLD, copy, insert, insertWorld } from './world';

type Operation = 'DELETE' | 'TRUNCATE' | 'UPDATE';

/** What is refused for good, whoever asks: trigger `<table>_refuse`. */
const KEPT_FOR_EVER: Record<string, Operation[]> = {
  account_link: ['DELETE', 'TRUNCATE'],
  adjustment: ['DELETE', 'TRUNCATE', 'UPDATE'],
  audit_entry: ['DELETE', 'TRUNCATE', 'UPDATE'],
  balance_entry: ['DELETE', 'TRUNCATE', 'UPDATE'],
  billable_line: ['DELETE', 'TRUNCATE', 'UPDATE'],
  biller_span: ['DELETE', 'TRUNCATE'],
  billing_period: ['DELETE', 'TRUNCATE'],
  charge: ['DELETE', 'TRUNCATE'],
  charge_pin: ['DELETE', 'TRUNCATE', 'UPDATE'],
  contract: ['DELETE', 'TRUNCATE'],
  final_due: ['DELETE', 'TRUNCATE'],
  gap_waiver: ['DELETE', 'TRUNCATE', 'UPDATE'],
  ledger_block: ['DELETE', 'TRUNCATE', 'UPDATE'],
  ledger_epoch: ['DELETE', 'TRUNCATE', 'UPDATE'],
  line_pin: ['DELETE', 'TRUNCATE', 'UPDATE'],
  metric: ['DELETE', 'TRUNCATE'],
  rating_difference: ['DELETE', 'TRUNCATE'],
  service: ['DELETE', 'TRUNCATE'],
  slot_settlement: ['DELETE', 'TRUNCATE', 'UPDATE'],
  usage_alert: ['DELETE', 'TRUNCATE'],
  usage_alert_event: ['DELETE', 'TRUNCATE', 'UPDATE'],
  usage_assignment: ['DELETE', 'TRUNCATE', 'UPDATE'],
  usage_record: ['DELETE', 'TRUNCATE', 'UPDATE'],
};

const STATEMENTS: Record<Operation, (table: string) => string> = {
  DELETE: (table) => `delete from ${table}`,
  TRUNCATE: (table) => `truncate ${table} cascade`,
  UPDATE: (table) => `update ${table} set ${table.startsWith('ledger_') ? 'number' : 'id'} = default`,
};

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
  await insertWorld(client);
});

afterAll(async () => {
  await client.end();
  await expectNoLeaks(database.url);
  await database.drop();
});

async function names(sql: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(sql);
  return rows.map((row) => row.name);
}

/** Does `work`, checks what is checked at commit, and takes it all back. */
async function undone(work: () => Promise<unknown>): Promise<void> {
  await client.query('begin');
  try {
    await work();
    await client.query('set constraints all immediate');
  } finally {
    await client.query('rollback');
  }
}

function refusal(work: () => Promise<unknown>): Promise<DatabaseError> {
  return undone(work).then(
    () => Promise.reject(new Error('nothing was refused')),
    (error: DatabaseError) => error,
  );
}

it('every constraint and unique index of the schema is provoked below, and nothing that is not there', async () => {
  const listed = new Set(PROVOCATIONS.map((provocation) => provocation.constraint));
  const there = await names(`
    select conname as name from pg_constraint
     where connamespace = 'public'::regnamespace and contype <> 'n' and conrelid <> 'migrations'::regclass
    union
    select indexrelid::regclass::text from pg_index join pg_class c on c.oid = indrelid
     where c.relnamespace = 'public'::regnamespace and indisunique and indrelid <> 'migrations'::regclass`);
  expect([...listed].sort()).toEqual(there.sort());
});

it('every trigger of the schema is provoked below, with all its operations', async () => {
  const there = await names(`
    select concat_ws(' ', tgname, c.relname, case when tgtype & 8 > 0 then 'DELETE' end,
        case when tgtype & 32 > 0 then 'TRUNCATE' end, case when tgtype & 16 > 0 then 'UPDATE' end) as name
      from pg_trigger join pg_class c on c.oid = tgrelid
     where c.relnamespace = 'public'::regnamespace and not tgisinternal and tgconstraint = 0`);
  const listed = Object.entries(KEPT_FOR_EVER).map(([table, all]) => [`${table}_refuse`, table, ...all].join(' '));
  expect(there.sort()).toEqual(listed.sort());
});

it('the world has rows in every table, so that nothing is refused for lack of them', async () => {
  const tables = await names(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`,
  );
  const filled = WORLD.map(([table]) => table);
  expect([...filled, 'migrations'].sort()).toEqual(tables.sort());
  expect(Object.keys(FRESH).sort()).toEqual(filled.sort());
});

it.each(WORLD.map(([table]) => table))('a fresh row of %s is taken', async (table) => {
  await undone(() => insert(client, table, copy(table)));
});

it.each(PROVOCATIONS.map((one) => [one.constraint, JSON.stringify(one.change), one] as const))(
  '%s refuses %s',
  async (constraint, _, { table, change, from }) => {
    const error = await refusal(() => insert(client, table, copy(table, change, from)));
    expect(error).toMatchObject({ constraint });
  },
);

it('a boundary may be moved in two statements, and what is left open is refused at commit', async () => {
  const move = (column: string, id: string): Promise<unknown> =>
    client.query(`update billing_period set ${column} = '2026-03-20T00:00:00Z' where id = $1`, [id]);
  const [, closed, open] = WORLD.find(([table]) => table === 'billing_period') ?? [];
  await undone(async () => {
    await move('end_at', String(closed?.id));
    await move('start_at', String(open?.id));
  });
  await client.query('begin');
  await move('end_at', String(closed?.id));
  await expect(client.query('commit')).rejects.toMatchObject({ constraint: 'billing_period_tile' });
});

it('a seam may be moved in two statements, and what is left open is refused at commit', async () => {
  const move = (column: string, id: string): Promise<unknown> =>
    client.query(`update biller_span set ${column} = '2026-02-20T00:00:00Z' where id = $1`, [id]);
  const [, before, after] = WORLD.find(([table]) => table === 'biller_span') ?? [];
  await undone(async () => {
    await move('ends_at', String(before?.id));
    await move('starts_at', String(after?.id));
  });
  await client.query('begin');
  await move('ends_at', String(before?.id));
  await expect(client.query('commit')).rejects.toMatchObject({ constraint: 'biller_span_tile' });
});

describe('the owner', () => {
  const refused = Object.entries(KEPT_FOR_EVER).flatMap(([table, all]) =>
    all.map((operation) => [operation, table] as const),
  );

  it.each(refused)('is refused %s on %s', async (operation, table) => {
    const error = await refusal(() => client.query(STATEMENTS[operation](table)));
    expect(error).toMatchObject({ code: '23001' });
    expect(error.message).toContain(`${operation} on ${table} is refused`);
  });
});
