/** Processes of an installation: the product's own main, by ROLE, on a given database and Odoo, with a clock that is told. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { waitUntil } from '../../src/boot/process';
import type { OdooConnection } from '../../src/config';
import { killHard, REGISTER } from './owner-process';

const root = path.join(__dirname, '..', '..');
const TOLD_CLOCK = require.resolve('./told-clock.cjs');
const READY_LIMIT_MS = 90_000;

export interface MemberOrder {
  role: 'api' | 'worker' | 'all';
  databaseUrl: string;
  odoo: OdooConnection;
  now: Date;
  /** More of its environment. */
  variables?: Record<string, string>;
  /** Files it loads before anything of ours. */
  preload?: readonly string[];
}

export interface Member {
  process: ChildProcess;
  /** Base address of its API; empty for a worker. */
  url: string;
  /** Everything said so far. */
  output(): string;
  /** Moves its clock, and returns when it is moved. */
  setNow(now: Date): Promise<void>;
  /** kill -9; nothing happens when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; its exit code. */
  stop(): Promise<number | null>;
}

/** Starts a process and returns when it has announced itself. */
export async function launchMember(order: MemberOrder): Promise<Member> {
  const env = {
    PATH: process.env.PATH,
    LOG_LEVEL: 'warn',
    PORT: '0',
    ROLE: order.role,
    DATABASE_URL: order.databaseUrl,
    ODOO_URL: order.odoo.url,
    ODOO_DATABASE: order.odoo.database,
    ODOO_API_KEY: order.odoo.apiKey,
    TEST_NOW: order.now.toISOString(),
    ...order.variables,
  };
  const child = fork(path.join(root, 'src/main.ts'), {
    cwd: root,
    env,
    execArgv: [REGISTER, TOLD_CLOCK, ...(order.preload ?? [])].flatMap((file) => ['-r', file]),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const kill = async (): Promise<void> => {
    if (!isGone()) await killHard(child);
  };
  const isSettled = (): boolean =>
    isGone() || (output.includes('Fusion Billing runs') && output.includes('PostgreSQL '));
  if (!(await waitUntil(isSettled, READY_LIMIT_MS)) || isGone()) {
    await kill();
    throw new Error(`did not start: ${output}`);
  }
  return {
    process: child,
    url: /GraphQL +(\S+)\/graphql/.exec(output)?.[1] ?? '',
    output: () => output,
    async setNow(now) {
      const told = once(child, 'message');
      child.send({ now: now.toISOString() });
      await told;
    },
    kill,
    async stop() {
      if (isGone()) return child.exitCode;
      const closed = once(child, 'exit') as Promise<[number | null]>;
      child.kill('SIGTERM');
      return (await closed)[0];
    },
  };
}
