import {
  ConfigError,
  type Config,
  DEFAULTS,
  VARIABLES,
  type VariableName,
  loadConfig,
  parseDuration,
} from '../src/config';

const ODOO = { ODOO_URL: 'https://odoo.example.com', ODOO_DATABASE: 'main', ODOO_API_KEY: 'odoo-key' };
const ADMIN_KEY = `fb_${'k'.repeat(32)}`;
const DATABASE = 'postgresql://billing:pass@db.example.com:5432/billing';
const odoo = { url: 'https://odoo.example.com', database: 'main', apiKey: 'odoo-key' };

const COLLECTOR = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
const TRACES = {
  url: 'http://collector:4318/v1/traces',
  serviceName: 'fusion-billing',
  sampler: 'parentbased_always_on',
  ratio: 1,
};

interface Case {
  /** What the Config says without the variable. */
  unset: Partial<Config>;
  /** Values and what the Config says with them; `besides` are variables it needs. */
  good: [value: string, expected: Partial<Config>][];
  besides?: Partial<Record<VariableName, string>>;
  /** Values that stop the boot. Empty only where every text is a value. */
  wrong: string[];
}

/** A new variable does not compile without an entry. */
const CASES: Record<VariableName, Case> = {
  DATABASE_URL: {
    unset: { databaseUrl: undefined, production: false },
    good: [
      [DATABASE, { databaseUrl: DATABASE, production: false }],
      ['postgres://localhost/billing', { databaseUrl: 'postgres://localhost/billing' }],
    ],
    wrong: ['mysql://localhost/billing', 'localhost', 'sqlite'],
  },
  ODOO_URL: {
    unset: { odoo: undefined },
    besides: { ODOO_DATABASE: 'main', ODOO_API_KEY: 'odoo-key' },
    good: [
      ['https://odoo.example.com', { odoo, production: false }],
      ['https://odoo.example.com//', { odoo }],
      ['http://10.0.0.7:8069', { odoo: { ...odoo, url: 'http://10.0.0.7:8069' } }],
    ],
    wrong: ['odoo.example.com', 'ftp://odoo.example.com', ''],
  },
  ODOO_DATABASE: {
    unset: { odoo: undefined },
    besides: ODOO,
    good: [['other', { odoo: { ...odoo, database: 'other' } }]],
    wrong: [''],
  },
  ODOO_API_KEY: {
    unset: { odoo: undefined },
    besides: ODOO,
    good: [['other', { odoo: { ...odoo, apiKey: 'other' } }]],
    wrong: [''],
  },
  HOST: { unset: { host: '127.0.0.1' }, good: [['0.0.0.0', { host: '0.0.0.0' }]], wrong: [] },
  PORT: {
    unset: { port: 4000 },
    good: [
      ['0', { port: 0 }],
      ['65535', { port: 65_535 }],
    ],
    wrong: ['65536', '-1', '80.5', 'http', '0x50'],
  },
  WORKER_PORT: {
    unset: { workerPort: undefined },
    good: [
      ['0', { workerPort: 0 }],
      ['9464', { workerPort: 9464 }],
    ],
    wrong: ['65536', '-1', 'none'],
  },
  ROLE: {
    unset: { role: 'all' },
    good: [
      ['api', { role: 'api' }],
      ['worker', { role: 'worker' }],
      ['all', { role: 'all' }],
    ],
    wrong: ['API', 'both'],
  },
  DATA_DIR: { unset: { dataDir: '.data' }, good: [['/var/lib/billing', { dataDir: '/var/lib/billing' }]], wrong: [] },
  ADMIN_API_KEY: {
    unset: { adminApiKey: undefined },
    good: [[ADMIN_KEY, { adminApiKey: ADMIN_KEY }]],
    wrong: ['fb_short-admin-key', `xx_${'k'.repeat(32)}`, `fb_${'k'.repeat(31)}!`, `fb_${'k'.repeat(201)}`],
  },
  BILLING_TIME_ZONE: {
    unset: { billingTimeZone: 'UTC' },
    good: [
      ['America/Toronto', { billingTimeZone: 'America/Toronto' }],
      ['Asia/Tokyo', { billingTimeZone: 'Asia/Tokyo' }],
    ],
    wrong: ['Toronto', 'Asia/Kolkata', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu'],
  },
  GRACE: {
    unset: { graceMs: 7_200_000 },
    good: [
      ['30m', { graceMs: 1_800_000 }],
      ['0s', { graceMs: 0 }],
      ['31d', { graceMs: 2_678_400_000 }],
    ],
    wrong: ['2', '2 h', '2H', '-1h', '1.5h', '32d', 'soon'],
  },
  LEAD_TIME: {
    unset: { leadTimeMs: 21_600_000 },
    good: [['90s', { leadTimeMs: 90_000 }]],
    wrong: ['6', '6hours', '32d'],
  },
  ODOO_INVOICE_RUN_AT: {
    unset: { invoiceRunAtMinutes: 0 },
    good: [
      ['00:30', { invoiceRunAtMinutes: 30 }],
      ['12:00', { invoiceRunAtMinutes: 720 }],
      ['23:59', { invoiceRunAtMinutes: 1439 }],
    ],
    wrong: ['24:00', '12:60', '1:00', 'noon', '12:00:00'],
  },
  ODOO_WRITES: {
    unset: { odooWrites: true },
    good: [
      ['on', { odooWrites: true }],
      ['off', { odooWrites: false }],
    ],
    wrong: ['false', 'no', 'OFF'],
  },
  ODOO_DELIVERED_BASIS: { unset: {}, good: [['PER_PERIOD', {}]], wrong: ['RUNNING', 'per_period'] },
  ODOO_CALLS_IN_FLIGHT: {
    unset: { odooCallsInFlight: 2 },
    good: [
      ['1', { odooCallsInFlight: 1 }],
      ['32', { odooCallsInFlight: 32 }],
    ],
    wrong: ['0', '33', 'two'],
  },
  DATABASE_POOL_SIZE: {
    unset: { databasePoolSize: 10 },
    good: [
      ['2', { databasePoolSize: 2 }],
      ['200', { databasePoolSize: 200 }],
    ],
    wrong: ['1', '201', '1e2'],
  },
  STATEMENT_TIMEOUT: {
    unset: { statementTimeoutMs: 30_000 },
    good: [['2m', { statementTimeoutMs: 120_000 }]],
    wrong: ['30', '30000ms'],
  },
  MIGRATE_ON_START: {
    unset: { migrateOnStart: true },
    good: [
      ['true', { migrateOnStart: true }],
      ['false', { migrateOnStart: false }],
    ],
    wrong: ['off', '0', 'TRUE'],
  },
  GRAPHIQL: {
    unset: { graphiql: true },
    good: [
      ['on', { graphiql: true }],
      ['off', { graphiql: false }],
    ],
    wrong: ['true', 'no'],
  },
  RATE_LIMIT: {
    unset: { rateLimit: 6000 },
    good: [
      ['0', { rateLimit: 0 }],
      ['60000', { rateLimit: 60_000 }],
    ],
    wrong: ['-1', '10000001', '100/s', '1e3'],
  },
  CORS_ORIGINS: {
    unset: { corsOrigins: [] },
    good: [
      ['https://admin.example.com', { corsOrigins: ['https://admin.example.com'] }],
      ['https://a.example, http://localhost:5173', { corsOrigins: ['https://a.example', 'http://localhost:5173'] }],
    ],
    wrong: [
      '*',
      'null',
      'admin.example.com',
      'https://admin.example.com/',
      'https://admin.example.com:443',
      'https://*.example.com',
      'https://a.example,',
      'file:///',
    ],
  },
  TRUST_PROXY: {
    unset: { trustProxy: false },
    good: [
      ['10.0.0.7', { trustProxy: ['10.0.0.7'] }],
      ['10.0.0.0/8, fd00::/8,loopback', { trustProxy: ['10.0.0.0/8', 'fd00::/8', 'loopback'] }],
    ],
    wrong: ['true', '1', '10.0.0.0/33', '10.0.0.0/8/8', 'fd00::/129', 'proxy.example.com', '10.0.0.7,'],
  },
  LOG_LEVEL: {
    unset: { logLevel: 'info' },
    good: [
      ['silent', { logLevel: 'silent' }],
      ['trace', { logLevel: 'trace' }],
    ],
    wrong: ['verbose', 'INFO'],
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    unset: { tracing: null },
    good: [
      ['http://collector:4318', { tracing: TRACES }],
      ['http://collector:4318/', { tracing: TRACES }],
    ],
    wrong: ['collector:4318', 'grpc://collector:4317'],
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    unset: { tracing: null },
    besides: COLLECTOR,
    good: [['https://traces.example.com/otlp', { tracing: { ...TRACES, url: 'https://traces.example.com/otlp' } }]],
    wrong: ['traces.example.com'],
  },
  OTEL_SERVICE_NAME: {
    unset: { tracing: null },
    besides: COLLECTOR,
    good: [['billing-eu', { tracing: { ...TRACES, serviceName: 'billing-eu' } }]],
    wrong: [],
  },
  OTEL_TRACES_SAMPLER: {
    unset: { tracing: null },
    besides: COLLECTOR,
    good: [
      ['always_off', { tracing: { ...TRACES, sampler: 'always_off' } }],
      ['parentbased_traceidratio', { tracing: { ...TRACES, sampler: 'parentbased_traceidratio' } }],
    ],
    wrong: ['on', 'jaeger_remote', 'PARENTBASED_ALWAYS_ON'],
  },
  OTEL_TRACES_SAMPLER_ARG: {
    unset: { tracing: null },
    besides: COLLECTOR,
    good: [
      ['0.25', { tracing: { ...TRACES, ratio: 0.25 } }],
      ['0', { tracing: { ...TRACES, ratio: 0 } }],
      ['.5', { tracing: { ...TRACES, ratio: 0.5 } }],
      ['1.0', { tracing: TRACES }],
    ],
    wrong: ['1.1', '-0.1', '25%', 'all', '1e-3'],
  },
};
const NAMES = Object.keys(CASES) as VariableName[];

function refusal(environment: Record<string, string>): string {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error(`${JSON.stringify(environment)} was taken`);
}

describe.each(NAMES)('%s', (name) => {
  const { unset, good, besides, wrong } = CASES[name];

  it('has its default when it is unset or empty', () => {
    expect(loadConfig({})).toMatchObject(unset);
    expect(loadConfig({ [name]: '' })).toMatchObject(unset);
  });

  it.each(good)('may be %s', (value, expected) => {
    expect(loadConfig({ ...besides, [name]: value })).toMatchObject(expected);
  });

  if (wrong.length > 0) {
    it.each(wrong)('stops the boot with its name when it is "%s"', (value) => {
      expect(refusal({ ...besides, [name]: value })).toMatch(new RegExp(`^${name}: .{10,}$`));
    });
  }

  it('is described by a phrase for the manual', () => {
    expect(VARIABLES[name].length).toBeGreaterThan(10);
  });
});

it('every default is a value the variable may have', () => {
  expect(loadConfig({ ...DEFAULTS })).toEqual(loadConfig({}));
});

it('all wrong variables are named at once, one a line', () => {
  const lines = refusal({ PORT: 'http', ROLE: 'both', GRACE: 'soon' }).split('\n');
  expect(lines.map((line) => line.split(':')[0])).toEqual(['PORT', 'ROLE', 'GRACE']);
});

it('variables of others are not ours', () => {
  expect(loadConfig({ PATH: '/bin', PORTS: 'x' })).toEqual(loadConfig({}));
});

it('quantities have the two digits that Odoo keeps by default', () => {
  expect(loadConfig({}).quantityPlaces).toBe(2);
});

describe('production', () => {
  const production = { DATABASE_URL: DATABASE, ...ODOO };

  it('is when both the database and Odoo are given', () => {
    expect(loadConfig(production).production).toBe(true);
    expect(loadConfig(ODOO).production).toBe(false);
    expect(loadConfig({ DATABASE_URL: DATABASE }).production).toBe(false);
  });

  it('has GraphiQL off unless it is asked for', () => {
    expect(loadConfig(production).graphiql).toBe(false);
    expect(loadConfig({ ...production, GRAPHIQL: 'on' }).graphiql).toBe(true);
  });
});

describe('a secret', () => {
  it.each<[string, Record<string, string>]>([
    ['DATABASE_URL', { DATABASE_URL: 'mysql://billing:the-secret@localhost/billing' }],
    ['DATABASE_URL', { DATABASE_URL: 'the-secret' }],
    ['ODOO_URL', { ...ODOO, ODOO_URL: 'ftp://user:the-secret@odoo.example.com' }],
    ['ODOO_URL', { ODOO_API_KEY: 'the-secret' }],
    ['ODOO_DATABASE', { ODOO_URL: 'https://odoo.example.com', ODOO_API_KEY: 'the-secret' }],
    ['ADMIN_API_KEY', { ADMIN_API_KEY: 'the-secret' }],
    ['PORT', { PORT: 'http', ADMIN_API_KEY: `fb_the-secret${'k'.repeat(32)}`, ...ODOO, ODOO_API_KEY: 'the-secret' }],
  ])('is not in the text that names %s', (name, environment) => {
    const text = refusal(environment);
    expect(text).toContain(`${name}: `);
    expect(text).not.toContain('the-secret');
  });
});

it.each([
  ['90s', 90_000],
  ['30m', 1_800_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['744h', 2_678_400_000],
  ['745h', undefined],
  ['', undefined],
  ['h', undefined],
  ['1w', undefined],
  ['1h30m', undefined],
])('%j as a duration is %p milliseconds', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});
