/** A stand-in for Odoo 19 over real HTTP: the JSON-2 dialect, subscriptions with their billing, and faults on demand. */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { checkRunAt, Clock } from './clock';
import { catchUp, makeControl, type Machine, type SandboxControl } from './control';
import { Faults } from './faults';
import { createHttpServer } from './http';
import { loadWorld, type Load } from './load';
import { personEnv } from './methods';
import { Store, type DeliveredMode, type StoreMeta } from './store';

export type { SandboxControl, SandboxState } from './control';
export type { Fault } from './faults';
export type { DeliveredMode } from './store';
export { connectSandbox } from './remote';

export interface SandboxOptions {
  /** 0, the default, takes a free port. */
  port?: number;
  /** 127.0.0.1 by default. */
  host?: string;
  /** "nexa" by default, as recorded. */
  database?: string;
  /** A random one by default; a state file keeps it. */
  apiKey?: string;
  /** "demo" by default. A state file that exists wins. */
  load?: Load;
  /** What becomes of `qty_delivered` once billed; "reset" by default. */
  mode?: DeliveredMode;
  /** Hour of the daily billing run in UTC; "00:00" by default. */
  runAt?: string;
  /** A set clock stands still until moved; null runs with the real one. Default: what the state file says, else the real one. */
  now?: Date | null;
  /** Where the state is kept, written before each answer. */
  stateFile?: string;
}

export interface Sandbox {
  url: string;
  database: string;
  apiKey: string;
  control: SandboxControl;
  close(): Promise<void>;
}

/** How often a sandbox on real time looks whether its billing run is due. */
const RUN_CHECK_MS = 1000;

export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const machine = makeMachine(options);
  const database = options.database ?? 'nexa';
  const host = options.host ?? '127.0.0.1';
  const server = createHttpServer(machine, database);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const timer = setInterval(() => {
    if (machine.clock.isRunning()) catchUp(machine);
  }, RUN_CHECK_MS);
  timer.unref();
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    database,
    apiKey: machine.store.meta.apiKey,
    control: makeControl(machine),
    close: async () => {
      clearInterval(timer);
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function makeMachine(options: SandboxOptions): Machine {
  if (options.runAt !== undefined) checkRunAt(options.runAt);
  const givenMs = options.now instanceof Date ? options.now.getTime() : null;
  const meta: StoreMeta = {
    apiKey: options.apiKey ?? randomBytes(20).toString('hex'),
    mode: options.mode ?? 'reset',
    runAt: options.runAt ?? '00:00',
    clock: { setMs: givenMs, aheadMs: 0 },
    ranUntilMs: givenMs ?? Date.now(),
    skipped: [],
    writes: [],
  };
  const store = new Store(meta, options.stateFile);
  const restored = store.restore();
  if (restored) applyOptions(meta, options);
  const machine: Machine = { store, clock: new Clock(meta.clock), faults: new Faults(), calls: {}, inWork: 0 };
  if (!restored) store.transaction(() => loadWorld(personEnv(store, machine.clock.stamp()), options.load ?? 'demo'));
  catchUp(machine);
  return machine;
}

/** Options that were given win over the state file. */
function applyOptions(meta: StoreMeta, options: SandboxOptions): void {
  if (options.apiKey !== undefined) meta.apiKey = options.apiKey;
  if (options.mode !== undefined) meta.mode = options.mode;
  if (options.runAt !== undefined) meta.runAt = options.runAt;
  if (options.now instanceof Date) meta.clock = { setMs: options.now.getTime(), aheadMs: 0 };
  if (options.now === null) meta.clock = { ...meta.clock, setMs: null };
}
