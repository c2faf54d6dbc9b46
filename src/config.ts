/** The environment as a typed Config, the only reader of process.env. A wrong value stops the boot with its name. */
import { DateTime, IANAZone } from 'luxon';
import { z } from 'zod';
import { origins, proxies } from './config/callers';
import { clip } from './domain/errors';

/** One sentence a variable: the README's table is made from these. */
export const VARIABLES = {
  DATABASE_URL:
    'PostgreSQL 15 or later, `postgresql://user:password@host/database`; unset: an embedded one under `DATA_DIR`',
  ODOO_URL: 'base address of Odoo 19; unset: the bundled sandbox Odoo',
  ODOO_DATABASE: "Odoo's database name; required with `ODOO_URL`",
  ODOO_API_KEY: "key of Odoo's integration user; required with `ODOO_URL`",
  HOST: 'address to listen on',
  PORT: 'port of the API; 0 takes a free one',
  WORKER_PORT:
    'port on which a process of `ROLE=worker` answers `/healthz`, `/readyz` and `/metrics`; 0 takes a free one; unset: none',
  ROLE: '`api`, `worker` or `all`',
  DATA_DIR: 'folder of the embedded database, the sandbox and the demo key',
  ADMIN_API_KEY: 'a key of the whole installation: `fb_` and at least 32 characters; replaces the one before',
  BILLING_TIME_ZONE: 'IANA zone whose days cut the billing periods; its offset must be whole hours',
  GRACE: 'how long after its end a period closes, for counters on their way: `2h`, `30m`',
  LEAD_TIME:
    "how long before Odoo's run (or the close) the provisional quantity is written, when the run can come first",
  ODOO_INVOICE_RUN_AT: "when Odoo's invoicing run can come at the earliest on the day, `HH:MM` in UTC",
  ODOO_WRITES: '`on`, or `off`: quantities are worked out and shown, and nothing is sent',
  ODOO_DELIVERED_BASIS:
    'whether Odoo takes `qty_delivered` per period (`PER_PERIOD`) or as a running total (`RUNNING`, not built yet: refused)',
  ODOO_CALLS_IN_FLIGHT: 'most calls to Odoo at one time, for each process',
  DATABASE_POOL_SIZE: 'connections to PostgreSQL, for each process',
  STATEMENT_TIMEOUT: 'longest time of one SQL statement',
  MIGRATE_ON_START: '`true`, or `false`: refuse to boot while migrations are pending',
  GRAPHIQL: '`on` or `off`; unset: on, except in production (`DATABASE_URL` and `ODOO_URL` set)',
  RATE_LIMIT:
    'GraphQL requests a minute for each key, for each process; a batch is one request; 0: no limit for anybody',
  CORS_ORIGINS:
    'origins whose pages may call the API, separated by commas, such as `https://admin.example.com`; unset: none',
  TRUST_PROXY:
    'proxies whose `X-Forwarded-For` is believed: addresses, networks such as `10.0.0.0/8`, `loopback` or `uniquelocal`, separated by commas; unset: none',
  LOG_LEVEL: '`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`',
  OTEL_EXPORTER_OTLP_ENDPOINT:
    'base address to which traces are sent as OTLP over HTTP, such as `http://collector:4318`; unset: no traces',
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'the same as a whole address, path included; goes before the other',
  OTEL_SERVICE_NAME: 'name of this process in traces',
  OTEL_TRACES_SAMPLER:
    '`always_on`, `always_off` or `traceidratio`, each also with `parentbased_` before it: which traces are kept',
  OTEL_TRACES_SAMPLER_ARG: 'share of the traces that `traceidratio` keeps, from 0 to 1',
} as const;
export type VariableName = keyof typeof VARIABLES;

export const DEFAULTS = {
  HOST: '127.0.0.1',
  PORT: '4000',
  ROLE: 'all',
  DATA_DIR: '.data',
  BILLING_TIME_ZONE: 'UTC',
  GRACE: '2h',
  LEAD_TIME: '6h',
  ODOO_INVOICE_RUN_AT: '00:00',
  ODOO_WRITES: 'on',
  ODOO_DELIVERED_BASIS: 'PER_PERIOD',
  ODOO_CALLS_IN_FLIGHT: '2',
  DATABASE_POOL_SIZE: '10',
  STATEMENT_TIMEOUT: '30s',
  MIGRATE_ON_START: 'true',
  RATE_LIMIT: '6000',
  LOG_LEVEL: 'info',
  OTEL_SERVICE_NAME: 'fusion-billing',
  OTEL_TRACES_SAMPLER: 'parentbased_always_on',
  OTEL_TRACES_SAMPLER_ARG: '1',
} as const satisfies Partial<Record<VariableName, string>>;

/** A configuration that cannot be: the text names the variable, never a secret's value. */
export class ConfigError extends Error {}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** "2h", "30m", "90s", "1d" in milliseconds; undefined when it is none, or above 31 days. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,6})(s|m|h|d)$/.exec(text);
  if (match === null) return undefined;
  const milliseconds = Number(match[1]) * SECONDS[match[2] as keyof typeof SECONDS] * 1000;
  return milliseconds <= 31 * SECONDS.d * 1000 ? milliseconds : undefined;
}

const duration = z.string().transform((text, check) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  check.addIssue({ code: 'custom', message: 'must be a number with s, m, h or d, at most 31d' });
  return z.NEVER;
});
const wholeNumber = (least: number, most: number): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must be from ${least} to ${most}`);
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https address' });

const SAMPLERS = ['always_on', 'always_off', 'traceidratio'] as const;

const tracingVariables = {
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: httpUrl.optional(),
  OTEL_SERVICE_NAME: z.string(),
  OTEL_TRACES_SAMPLER: z.enum(
    [...SAMPLERS, ...SAMPLERS.map((name) => `parentbased_${name}` as const)],
    `must be ${SAMPLERS.join(', ')} or one of them with parentbased_ before it`,
  ),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(0|1|0?\.\d{1,9}|1\.0{1,9})$/, 'must be a number from 0 to 1')
    .transform(Number),
};

const schema = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgresql address' }).optional(),
  ODOO_URL: httpUrl.transform((url) => url.replace(/\/+$/, '')).optional(),
  ODOO_DATABASE: z.string().optional(),
  ODOO_API_KEY: z.string().optional(),
  HOST: z.string(),
  PORT: wholeNumber(0, 65_535),
  WORKER_PORT: wholeNumber(0, 65_535).optional(),
  ROLE: z.enum(['api', 'worker', 'all'], 'must be api, worker or all'),
  DATA_DIR: z.string(),
  ADMIN_API_KEY: z
    .string()
    .regex(/^fb_[A-Za-z0-9_-]{32,200}$/, 'must be fb_ and 32 to 200 letters, digits, - or _')
    .optional(),
  BILLING_TIME_ZONE: z.string().refine(isWholeHourZone, 'must be an IANA zone whose offset from UTC is whole hours'),
  GRACE: duration,
  LEAD_TIME: duration,
  ODOO_INVOICE_RUN_AT: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be HH:MM, in UTC'),
  ODOO_WRITES: z.enum(['on', 'off'], 'must be on or off'),
  ODOO_DELIVERED_BASIS: z.literal('PER_PERIOD', 'must be PER_PERIOD (RUNNING is not built yet)'),
  ODOO_CALLS_IN_FLIGHT: wholeNumber(1, 32),
  DATABASE_POOL_SIZE: wholeNumber(2, 200),
  STATEMENT_TIMEOUT: duration,
  MIGRATE_ON_START: z.enum(['true', 'false'], 'must be true or false'),
  GRAPHIQL: z.enum(['on', 'off'], 'must be on or off').optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'must be a pino level'),
  RATE_LIMIT: wholeNumber(0, 10_000_000),
  CORS_ORIGINS: origins.optional(),
  TRUST_PROXY: proxies.optional(),
  ...tracingVariables,
});

function isWholeHourZone(zone: string): boolean {
  if (!IANAZone.isValidZone(zone)) return false;
  // Both halves of the year, so that a zone with daylight saving is judged on both its offsets.
  return [1, 7].every((month) => DateTime.fromObject({ year: 2026, month }, { zone }).offset % 60 === 0);
}

export interface OdooConnection {
  url: string;
  database: string;
  apiKey: string;
}

export interface Config {
  /** Undefined until boot/ has started the embedded one. */
  databaseUrl: string | undefined;
  odoo: OdooConnection | undefined;
  host: string;
  port: number;
  /** Where a process that is only a worker answers; undefined: nowhere. */
  workerPort: number | undefined;
  role: 'api' | 'worker' | 'all';
  dataDir: string;
  adminApiKey: string | undefined;
  billingTimeZone: string;
  graceMs: number;
  leadTimeMs: number;
  /** Minutes after midnight UTC. */
  invoiceRunAtMinutes: number;
  odooWrites: boolean;
  /** Digits after the point that Odoo keeps of a quantity ("Product Unit"). */
  quantityPlaces: number;
  odooCallsInFlight: number;
  databasePoolSize: number;
  statementTimeoutMs: number;
  migrateOnStart: boolean;
  graphiql: boolean;
  /** Both real sides given: no demo data, introspection only with a key. */
  production: boolean;
  /** Requests a minute for each key; 0: no limit. */
  rateLimit: number;
  /** Origins whose pages may call the API. */
  corsOrigins: string[];
  /** Addresses and networks of proxies that say for whom they ask; false: none. */
  trustProxy: string[] | false;
  logLevel: string;
  /** Null: no traces. */
  tracing: TracingSettings | null;
}

/** @throws ConfigError that names each variable at fault. */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const parsed = schema.safeParse(givenValues(environment));
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map(describe).join('\n'));
  const value = parsed.data;
  const [hours = '0', minutes = '0'] = value.ODOO_INVOICE_RUN_AT.split(':');
  const production = value.DATABASE_URL !== undefined && value.ODOO_URL !== undefined;
  return {
    databaseUrl: value.DATABASE_URL,
    odoo: odooConnection(value),
    host: value.HOST,
    port: value.PORT,
    workerPort: value.WORKER_PORT,
    role: value.ROLE,
    dataDir: value.DATA_DIR,
    adminApiKey: value.ADMIN_API_KEY,
    billingTimeZone: value.BILLING_TIME_ZONE,
    graceMs: value.GRACE,
    leadTimeMs: value.LEAD_TIME,
    invoiceRunAtMinutes: Number(hours) * 60 + Number(minutes),
    odooWrites: value.ODOO_WRITES === 'on',
    quantityPlaces: 2,
    odooCallsInFlight: value.ODOO_CALLS_IN_FLIGHT,
    databasePoolSize: value.DATABASE_POOL_SIZE,
    statementTimeoutMs: value.STATEMENT_TIMEOUT,
    migrateOnStart: value.MIGRATE_ON_START === 'true',
    graphiql: value.GRAPHIQL === undefined ? !production : value.GRAPHIQL === 'on',
    production,
    rateLimit: value.RATE_LIMIT,
    corsOrigins: value.CORS_ORIGINS ?? [],
    trustProxy: value.TRUST_PROXY ?? false,
    logLevel: value.LOG_LEVEL,
    tracing: tracingSettings(value),
  };
}

/** What was set, over the defaults; an empty value is none. */
function givenValues(environment: NodeJS.ProcessEnv): Record<string, string> {
  const given: Record<string, string> = { ...DEFAULTS };
  for (const name of Object.keys(VARIABLES)) {
    const value = environment[name];
    if (value !== undefined && value !== '') given[name] = value;
  }
  return given;
}

/** How traces are sent, by OpenTelemetry's own variables; the SDK reads its finer ones itself. */
export interface TracingSettings {
  /** Whole address of the collector. */
  url: string;
  serviceName: string;
  sampler: string;
  /** Share of traces kept by `traceidratio`. */
  ratio: number;
}

/**
 * Asked before anything else is loaded, so apart from the rest. Null: no exporter is configured, or wrongly, which stops the
 * boot in `loadConfig`.
 */
export function loadTracingSettings(environment: NodeJS.ProcessEnv = process.env): TracingSettings | null {
  const parsed = z.object(tracingVariables).safeParse(givenValues(environment));
  return parsed.success ? tracingSettings(parsed.data) : null;
}

function tracingSettings(value: z.infer<z.ZodObject<typeof tracingVariables>>): TracingSettings | null {
  const base = value.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/+$/, '');
  const url = value.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base}/v1/traces`);
  if (url === undefined) return null;
  return {
    url,
    serviceName: value.OTEL_SERVICE_NAME,
    sampler: value.OTEL_TRACES_SAMPLER,
    ratio: value.OTEL_TRACES_SAMPLER_ARG,
  };
}

function describe(issue: z.core.$ZodIssue): string {
  return `${String(issue.path[0])}: ${clip(issue.message, 200)}`;
}

function odooConnection(value: z.infer<typeof schema>): OdooConnection | undefined {
  const { ODOO_URL: url, ODOO_DATABASE: database, ODOO_API_KEY: apiKey } = value;
  if (url === undefined) {
    if (database === undefined && apiKey === undefined) return undefined;
    throw new ConfigError('ODOO_URL: is missing, while ODOO_DATABASE or ODOO_API_KEY is set');
  }
  if (database === undefined) throw new ConfigError('ODOO_DATABASE: is required with ODOO_URL');
  if (apiKey === undefined) throw new ConfigError('ODOO_API_KEY: is required with ODOO_URL');
  return { url, database, apiKey };
}
