/** A process of its own that migrates a database, for tests that start several at once. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { migrate } from '../../src/migrate';
import { REGISTER } from '../support/owner-process';

/** Migrates the database of `url` in another process; the names of the migrations that one applied. */
export async function migrateInProcess(url: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, ['-r', REGISTER, __filename, url]);
  return JSON.parse(stdout) as string[];
}

async function run(url: string): Promise<void> {
  process.stdout.write(JSON.stringify((await migrate(url)).applied));
}

if (require.main === module) void run(process.argv[2] ?? '');
