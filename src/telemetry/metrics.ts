/**
 * What one process counts, in a registry of its own, so that two Apps in one process never share a number. Every label has
 * a bounded set of values: our own words, or the codes of the catalogue; a client's text is never one.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { BillingError } from '../domain/errors';
import { createDatabaseGauges, type DatabaseGauges } from './gauges';

/** What became of a counter or a correction that was sent. */
export type UsageOutcome = 'recorded' | 'duplicate' | 'conflicting' | 'rejected';
/** What can count in a closed period: usage as it is recorded, a correction, usage that found its contract. */
export type LateKind = 'usage' | 'correction' | 'assignment';

/** What an alert whose threshold was reached watches. */
export type AlertKind = 'units' | 'amount';

/** The outcome of what was refused. */
export function refusalName(error: BillingError): UsageOutcome {
  return error.code === 'IDEMPOTENCY_CONFLICT' ? 'conflicting' : 'rejected';
}

const RERUN_REASONS = ['deadlock', 'serialization'] as const;
const USAGE_OUTCOMES: readonly UsageOutcome[] = ['recorded', 'duplicate', 'conflicting', 'rejected'];
const LATE_KINDS: readonly LateKind[] = ['usage', 'correction', 'assignment'];
const ALERT_KINDS: readonly AlertKind[] = ['units', 'amount'];

/** Seconds. */
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const ODOO_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const JOB_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800];

/** Counts of the services by id; the ids become codes when the page is made. */
export interface ServiceCounter<T extends string> {
  /** `serviceId` null: refused before it was known whose it is. */
  add(serviceId: string | null, value: T, count?: number): void;
}

export interface Metrics {
  readonly registry: Registry;
  readonly usageRecords: ServiceCounter<UsageOutcome>;
  readonly usageCorrections: ServiceCounter<UsageOutcome>;
  readonly lateUsage: ServiceCounter<LateKind>;
  readonly usageAlertEvents: ServiceCounter<AlertKind>;
  readonly usageSendsWaiting: Gauge;
  readonly transactionReruns: Counter<'reason'>;
  readonly httpRequests: Histogram<'method' | 'route' | 'status'>;
  readonly graphqlRequests: Counter<'operation' | 'outcome'>;
  readonly graphqlFields: Histogram<'field' | 'outcome'>;
  readonly odooCalls: Counter<'model' | 'method' | 'outcome'>;
  readonly odooCallSeconds: Histogram<'method' | 'outcome'>;
  readonly jobs: Histogram<'task' | 'outcome'>;
  readonly database: DatabaseGauges;
  /** Tells the codes of all services, by id. */
  nameServices(codes: ReadonlyMap<string, string>): void;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  let codes: ReadonlyMap<string, string> = new Map();
  const common = { registry, codes: () => codes };
  return {
    registry,
    nameServices(known): void {
      codes = known;
    },
    usageRecords: serviceCounter(common, {
      name: 'fusion_billing_usage_records_total',
      help: 'Usage records sent, by what became of them; "unknown" are those refused before their service was known.',
      label: 'outcome',
      values: USAGE_OUTCOMES,
    }),
    usageCorrections: serviceCounter(common, {
      name: 'fusion_billing_usage_corrections_total',
      help: 'Voids and replacements sent, by what became of them.',
      label: 'outcome',
      values: USAGE_OUTCOMES,
    }),
    lateUsage: serviceCounter(common, {
      name: 'fusion_billing_late_usage_total',
      help: 'Records, corrections and assignments that count in a closed period; a number of records, whatever their units.',
      label: 'kind',
      values: LATE_KINDS,
    }),
    usageAlertEvents: serviceCounter(common, {
      name: 'fusion_billing_usage_alert_events_total',
      help: 'Thresholds of alerts that usage of an open period has reached, by what the alert watches.',
      label: 'kind',
      values: ALERT_KINDS,
    }),
    usageSendsWaiting: new Gauge({
      name: 'fusion_billing_usage_sends_waiting',
      help: 'Single sends of usage that wait until what the same key sent before them is committed.',
      registers,
    }),
    transactionReruns: rerunCounter(registers),
    ...requestMetrics(registers),
    ...workMetrics(registers),
    database: createDatabaseGauges(registry),
  };
}

function rerunCounter(registers: Registry[]): Counter<'reason'> {
  const counter = new Counter({
    name: 'fusion_billing_transaction_reruns_total',
    help: 'Transactions run again after a deadlock or a serialization failure; 0 is expected.',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of RERUN_REASONS) counter.inc({ reason }, 0);
  return counter;
}

type RequestMetrics = Pick<Metrics, 'httpRequests' | 'graphqlRequests' | 'graphqlFields'>;

function requestMetrics(registers: Registry[]): RequestMetrics {
  return {
    httpRequests: new Histogram({
      name: 'fusion_billing_http_request_duration_seconds',
      help: 'HTTP requests answered, by route; "none" is an address where there is nothing.',
      labelNames: ['method', 'route', 'status'],
      buckets: REQUEST_BUCKETS,
      registers,
    }),
    graphqlRequests: new Counter({
      name: 'fusion_billing_graphql_requests_total',
      help: 'GraphQL requests by kind of operation; outcome is "ok" or the code of the first error.',
      labelNames: ['operation', 'outcome'],
      registers,
    }),
    graphqlFields: new Histogram({
      name: 'fusion_billing_graphql_field_duration_seconds',
      help: 'Root fields of the schema as they were resolved; outcome is "ok" or the code of the error.',
      labelNames: ['field', 'outcome'],
      buckets: REQUEST_BUCKETS,
      registers,
    }),
  };
}

type WorkMetrics = Pick<Metrics, 'odooCalls' | 'odooCallSeconds' | 'jobs'>;

function workMetrics(registers: Registry[]): WorkMetrics {
  return {
    odooCalls: new Counter({
      name: 'fusion_billing_odoo_calls_total',
      help: 'Calls to Odoo by model, method and outcome; "held_back" never left: the circuit is open or too many wait.',
      labelNames: ['model', 'method', 'outcome'],
      registers,
    }),
    odooCallSeconds: new Histogram({
      name: 'fusion_billing_odoo_call_duration_seconds',
      help: 'How long calls that were sent to Odoo took.',
      labelNames: ['method', 'outcome'],
      buckets: ODOO_BUCKETS,
      registers,
    }),
    jobs: new Histogram({
      name: 'fusion_billing_job_duration_seconds',
      help: 'Jobs of the queue that this process ran; a failed one is tried again by the queue.',
      labelNames: ['task', 'outcome'],
      buckets: JOB_BUCKETS,
      registers,
    }),
  };
}

interface ServiceCounterOptions<T extends string> {
  name: string;
  help: string;
  label: string;
  values: readonly T[];
}

/** Every known service is shown with every value, 0 included: a rate needs the number before the first event. */
function serviceCounter<T extends string>(
  { registry, codes }: { registry: Registry; codes: () => ReadonlyMap<string, string> },
  { name, help, label, values }: ServiceCounterOptions<T>,
): ServiceCounter<T> {
  const counts = new Map<string | null, Map<T, number>>();
  const counter = new Counter({
    name,
    help,
    labelNames: ['service', label],
    registers: [registry],
    collect(): void {
      counter.reset();
      const known = codes();
      const show = (service: string, value: T, count: number): void => counter.inc({ service, [label]: value }, count);
      for (const code of known.values()) for (const value of values) show(code, value, 0);
      for (const [id, byValue] of counts) {
        const service = (id === null ? undefined : known.get(id)) ?? 'unknown';
        for (const [value, count] of byValue) show(service, value, count);
      }
    },
  });
  return {
    add(serviceId, value, count = 1): void {
      let byValue = counts.get(serviceId);
      if (byValue === undefined) counts.set(serviceId, (byValue = new Map<T, number>()));
      byValue.set(value, (byValue.get(value) ?? 0) + count);
    },
  };
}
