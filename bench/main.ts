/** The measurements: plays the chosen rows one after the other, tells every round, and prints the table. */
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { type Ground, layGround } from './ground';
import { machine, table } from './report';
import { measure, type Result, type Row } from './row';
import { ROWS, ROWS_BY_NAME } from './rows/all';

async function main(): Promise<void> {
  const rows = chosen();
  const ground = await layGround();
  const results: Result[] = [];
  try {
    const where = machine(await postgresVersion(ground));
    process.stderr.write(`[bench] ${where}\n`);
    for (const row of rows) {
      const lack = row.lacks?.() ?? null;
      if (lack !== null) {
        process.stderr.write(`[bench] ${row.name} is left out: ${lack}\n`);
        continue;
      }
      process.stderr.write(
        `[bench] ${row.name}: ${row.what}${row.baseline === null ? '' : `; baseline: ${row.baseline}`}\n`,
      );
      results.push(await measure(row, ground, (text) => process.stderr.write(`[bench]   ${text}\n`)));
    }
    process.stdout.write(`${where}\n\n${table(results)}\n`);
  } finally {
    await ground.stop();
  }
}

function chosen(): readonly Row[] {
  const { values } = parseArgs({ options: { only: { type: 'string', multiple: true } } });
  const { only } = values;
  if (only === undefined) return ROWS;
  return only.map((name) => {
    const row = ROWS_BY_NAME.find((candidate) => candidate.name === name);
    if (row !== undefined) return row;
    throw new Error(`There is no row ${name}. Rows: ${ROWS_BY_NAME.map(({ name }) => name).join(', ')}.`);
  });
}

async function postgresVersion(ground: Ground): Promise<string> {
  const url = await ground.database();
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ version: string }>("select current_setting('server_version') as version");
  await client.end();
  await ground.drop(url);
  return rows[0]?.version ?? '';
}

// A run that is cut short leaves no process behind: whoever was started here is ended at the exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
