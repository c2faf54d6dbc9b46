/**
 * What is measured at the moment of a scrape: this process's connections and its sight of Odoo, and what the database says
 * of the whole installation.
 */
import { Gauge, type Registry } from 'prom-client';

export interface ProcessSight {
  pool(): { totalCount: number; idleCount: number; waitingCount: number };
  odoo(): { reachable: boolean; circuitOpen: boolean };
  odooWrites: boolean;
}

export const QUEUE_STATES = ['ready', 'running', 'delayed', 'failed'] as const;
export type QueueState = (typeof QUEUE_STATES)[number];

export const PENDING_STATES = ['PENDING', 'UNKNOWN'] as const;

/** What one reading of the database found. Ages are in seconds. */
export interface DatabaseFigures {
  unassigned: { service: string; records: number }[];
  identities: IdentityFigures[];
  writeBacks: { state: (typeof PENDING_STATES)[number]; count: number; oldestAge: number }[];
  /** Every reason there is, with 0 where no period has it. */
  blocked: { reason: string; periods: number }[];
  /** Null: never read in full. */
  mirror: { model: string; age: number | null }[];
  queue: { state: QueueState; jobs: number; oldestAge: number }[];
}

/** The newest check of a service's identities. */
export interface IdentityFigures {
  service: string;
  age: number;
  records: number;
  units: number;
  money: number;
  unpriced: number;
}

/** Gauges of this process, read whenever the page is made. */
export function watchProcess(registry: Registry, sight: ProcessSight): void {
  const registers = [registry];
  const connections = new Gauge({
    name: 'fusion_billing_database_connections',
    help: 'Connections of this process to PostgreSQL that are used or idle, and requests that wait for one.',
    labelNames: ['state'],
    registers,
    collect(): void {
      const { totalCount, idleCount, waitingCount } = sight.pool();
      connections.set({ state: 'used' }, totalCount - idleCount);
      connections.set({ state: 'idle' }, idleCount);
      connections.set({ state: 'waiting' }, waitingCount);
    },
  });
  const flag = (name: string, help: string, value: () => boolean): void => {
    const gauge: Gauge = new Gauge({ name, help, registers, collect: (): void => gauge.set(value() ? 1 : 0) });
  };
  flag(
    'fusion_billing_odoo_reachable',
    "1 while Odoo answered this process's last call, or none was made yet.",
    () => sight.odoo().reachable,
  );
  flag(
    'fusion_billing_odoo_circuit_open',
    '1 while this process holds calls to Odoo back.',
    () => sight.odoo().circuitOpen,
  );
  flag('fusion_billing_odoo_writes_enabled', '0 while ODOO_WRITES is off.', () => sight.odooWrites);
}

export interface DatabaseGauges {
  /** Shows one reading; without one, only that there is none. */
  show(figures: DatabaseFigures | null): void;
}

/** Gauges of the whole installation: the same in every process. */
export function createDatabaseGauges(registry: Registry): DatabaseGauges {
  const gauges = defineDatabaseGauges(registry);
  const { up, ...read } = gauges;
  return {
    show(figures): void {
      for (const gauge of Object.values(read)) gauge.reset();
      up.set(figures === null ? 0 : 1);
      if (figures === null) return;
      showUsage(gauges, figures);
      showBilling(gauges, figures);
      showQueue(gauges, figures);
    },
  };
}

type Defined = ReturnType<typeof defineDatabaseGauges>;

function defineDatabaseGauges(registry: Registry) {
  const define = <L extends string>(name: string, labelNames: L[], help: string): Gauge<L> =>
    new Gauge({ name: `fusion_billing_${name}`, help, labelNames, registers: [registry] });
  return {
    up: define(
      'database_up',
      [],
      '1 when the database could be read for this page; 0: the figures from it are missing.',
    ),
    unassigned: define(
      'unassigned_records',
      ['service'],
      'Records in the ledger that have no contract yet: a number of records, whatever their units.',
    ),
    unpriced: define(
      'unpriced_usage',
      ['service'],
      'Closed periods and metrics with usage that no charge priced, at the last check of the identities.',
    ),
    identities: define(
      'identity_differences',
      ['service', 'identity'],
      'Rows of an identity that do not add up, at the last check; 0 is expected.',
    ),
    identitiesAge: define('identity_check_age_seconds', ['service'], 'Age of the last check of the identities.'),
    writeBacks: define(
      'write_backs_pending',
      ['state'],
      'Quantities that are still to be written to Odoo, or settled.',
    ),
    oldestWriteBack: define(
      'write_back_oldest_pending_seconds',
      [],
      'Age of the oldest quantity that is still to be written to Odoo; 0 when there is none.',
    ),
    blocked: define('blocked_periods', ['reason'], 'Billing periods whose quantity is held, by reason.'),
    mirrorAge: define(
      'mirror_age_seconds',
      ['model'],
      'Age of the instant as of which the mirror equals Odoo; +Inf before the first full reading.',
    ),
    queue: define(
      'queue_jobs',
      ['state'],
      'Jobs in the queue: ready to run, running, waiting for their time, or failed for good.',
    ),
    oldestReady: define(
      'queue_oldest_ready_seconds',
      [],
      'How long the oldest ready job has waited for a worker; 0 when there is none.',
    ),
  };
}

function showUsage({ unassigned, unpriced, identities, identitiesAge }: Defined, figures: DatabaseFigures): void {
  for (const { service, records } of figures.unassigned) unassigned.set({ service }, records);
  for (const check of figures.identities) {
    const { service } = check;
    unpriced.set({ service }, check.unpriced);
    identitiesAge.set({ service }, check.age);
    for (const identity of ['records', 'units', 'money'] as const) {
      identities.set({ service, identity }, check[identity]);
    }
  }
}

function showBilling(gauges: Defined, figures: DatabaseFigures): void {
  const { writeBacks, oldestWriteBack, blocked, mirrorAge } = gauges;
  for (const state of PENDING_STATES) writeBacks.set({ state }, 0);
  for (const { state, count } of figures.writeBacks) writeBacks.set({ state }, count);
  oldestWriteBack.set(Math.max(0, ...figures.writeBacks.map(({ oldestAge }) => oldestAge)));
  for (const { reason, periods } of figures.blocked) blocked.set({ reason }, periods);
  for (const { model, age } of figures.mirror) mirrorAge.set({ model }, age ?? Infinity);
}

function showQueue({ queue, oldestReady }: Defined, figures: DatabaseFigures): void {
  for (const state of QUEUE_STATES) queue.set({ state }, 0);
  for (const { state, jobs } of figures.queue) queue.set({ state }, jobs);
  oldestReady.set(figures.queue.find(({ state }) => state === 'ready')?.oldestAge ?? 0);
}
