/** Changing and archiving what the catalogue holds: only what is sent changes, what is used stays, what is archived stays readable. */
import { addSubscription } from '../../sandbox/world';
import { startTestApp, type GraphqlAnswer, type TestApp } from '../support/app';
import {
  dataOf,
  makeCharge,
  makeLink,
  makeMetric,
  makeService,
  seedService,
  type SeededService,
} from '../support/seed';

let test: TestApp;
let maps: SeededService;

beforeAll(async () => {
  test = await startTestApp();
  maps = await seedService(test, { code: 'maps' });
});
afterAll(() => test.close());

const SELECTIONS: Record<string, string> = {
  Service: 'service { name archivedAt }',
  Metric: 'metric { code name unit aggregation archivedAt }',
  AccountLink: 'accountLink { id validFrom validTo archivedAt contract { id } }',
  Charge: 'charge { id archivedAt }',
};

async function call(name: string, input: Record<string, unknown>, key = maps.key): Promise<GraphqlAnswer> {
  const type = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}Input!`;
  const noun = name.replace(/^(create|update|archive|end)/, '');
  return test.gql(key, `mutation ($input: ${type}) { ${name}(input: $input) { ${SELECTIONS[noun] ?? ''} } }`, {
    input,
  });
}

async function done(name: string, input: Record<string, unknown>): Promise<Record<string, unknown>> {
  const payload = dataOf(await call(name, input))[name] as Record<string, Record<string, unknown>>;
  return Object.values(payload)[0] ?? {};
}

async function refused(name: string, input: Record<string, unknown>): Promise<Record<string, unknown>> {
  const [error] = (await call(name, input)).errors ?? [];
  return { message: error?.message, ...error?.extensions };
}

async function record(change: Record<string, unknown>): Promise<GraphqlAnswer> {
  const input = {
    account: maps.account,
    metric: maps.metric,
    idempotencyKey: 'a key',
    windowStart: '2026-03-10T09:00:00Z',
    windowEnd: '2026-03-10T10:00:00Z',
    quantity: '1',
    ...change,
  };
  const query = 'mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { status record { id } } }';
  return test.gql(maps.key, query, { input });
}

async function lastAudit(): Promise<Record<string, unknown>> {
  const [entry] = await test.app.db.query('select action, actor, details from audit_entry order by id desc limit 1');
  return entry;
}

async function version(): Promise<number> {
  const [row] = await test.app.db.query('select catalog_version from service where id = $1', [maps.id]);
  return Number(row.catalog_version);
}

describe('an update', () => {
  it('changes only what is sent, raises the catalogue’s version, and logs each value before and after', async () => {
    await makeMetric(test, maps.key, { code: 'tiles', name: 'Tiles', unit: 'tile' });
    const before = await version();
    expect(await done('updateMetric', { metric: 'tiles', name: 'Map tiles' })).toMatchObject({
      name: 'Map tiles',
      unit: 'tile',
      aggregation: 'SUM',
    });
    expect(await version()).toBe(before + 1);
    expect(await lastAudit()).toEqual({
      action: 'metric.updated',
      actor: maps.keyId,
      details: { changes: { name: { from: 'Tiles', to: 'Map tiles' } } },
    });
  });

  it('with nothing new changes nothing and leaves no entry', async () => {
    const [before, entry] = [await version(), await lastAudit()];
    await done('updateMetric', { metric: 'tiles', name: 'Map tiles', unit: 'tile' });
    await done('updateMetric', { metric: 'tiles' });
    expect([await version(), await lastAudit()]).toEqual([before, entry]);
  });

  it.each([
    ['updateMetric', { metric: 'tiles', name: null }, 'name'],
    ['updateMetric', { metric: 'tiles', unit: null }, 'unit'],
    ['updateMetric', { metric: 'tiles', aggregation: null }, 'aggregation'],
    ['updateMetric', { metric: 'tiles', unit: '' }, 'unit'],
    ['updateMetric', { metric: 'tiles', aggregation: 'UNIQUE_COUNT' }, 'uniqueBy'],
    ['updateMetric', { metric: 'tiles', aggregation: 'MAX', semantics: 'CUMULATIVE' }, 'semantics'],
    ['updateMetric', { metric: 'tiles', semantics: null }, 'semantics'],
    ['updateService', { name: null }, 'name'],
    ['updateService', { name: '' }, 'name'],
  ])('%s refuses %j by name', async (name, input, field) => {
    expect(await refused(name, input)).toMatchObject({ code: 'VALIDATION_FAILED', field });
  });

  it('changes how a metric counts until there is usage of it', async () => {
    expect(await done('updateMetric', { metric: 'tiles', aggregation: 'COUNT' })).toMatchObject({
      aggregation: 'COUNT',
    });
    dataOf(await record({ metric: 'tiles', idempotencyKey: 'used' }));
    expect(await refused('updateMetric', { metric: 'tiles', aggregation: 'SUM' })).toMatchObject({
      code: 'CONFLICT',
      field: 'aggregation',
      message: 'The metric "tiles" has usage: its aggregation is fixed. Make another metric.',
    });
    // The same again is no change, and the label may change at any time.
    expect(await done('updateMetric', { metric: 'tiles', aggregation: 'COUNT', unit: 'map tile' })).toMatchObject({
      unit: 'map tile',
    });
  });

  it('renames a service', async () => {
    expect(await done('updateService', { name: 'Maps of the world' })).toMatchObject({ name: 'Maps of the world' });
    expect(await lastAudit()).toMatchObject({ action: 'service.updated' });
  });
});

describe('an archived metric', () => {
  it('cannot be one that a charge in use needs', async () => {
    expect(await refused('archiveMetric', { metric: maps.metric })).toMatchObject({
      code: 'CONFLICT',
      field: 'metric',
      details: { chargesInUse: 1 },
    });
  });

  it('stays readable and keeps its code; archiving it twice is harmless', async () => {
    await makeMetric(test, maps.key, { code: 'old' });
    dataOf(await record({ metric: 'old', idempotencyKey: 'of the old' }));
    expect(await done('archiveMetric', { metric: 'old' })).toMatchObject({ archivedAt: '2026-03-10T12:00:00.000Z' });
    const entry = await lastAudit();
    await test.clock.set(new Date('2026-03-10T13:00:00Z'));
    expect(await done('archiveMetric', { metric: 'old' })).toMatchObject({ archivedAt: '2026-03-10T12:00:00.000Z' });
    expect(await lastAudit()).toEqual(entry);
    const codes = async (archived: boolean | null): Promise<string[]> => {
      const query = 'query ($archived: Boolean) { metrics(archived: $archived) { nodes { code } } }';
      const { nodes } = dataOf(await test.gql(maps.key, query, { archived })).metrics as { nodes: { code: string }[] };
      return nodes.map(({ code }) => code);
    };
    expect(await codes(true)).toEqual(['old']);
    expect(await codes(false)).toEqual([maps.metric, 'tiles']);
    expect(await codes(null)).toEqual([maps.metric, 'tiles', 'old']);
    const again = { code: 'old', name: 'Old', unit: 'unit', aggregation: 'SUM' };
    expect(await refused('createMetric', again)).toMatchObject({ code: 'CONFLICT', field: 'code' });
  });

  it('takes a re-send and what counted before, and refuses what counts since, naming itself and when', async () => {
    const sent = { metric: 'old', idempotencyKey: 'of the old' };
    expect(dataOf(await record(sent)).recordUsage.status).toBe('DUPLICATE');
    const late = { windowStart: '2026-03-10T11:00:00Z', windowEnd: '2026-03-10T12:00:00Z', metric: 'old' };
    expect(dataOf(await record({ ...late, idempotencyKey: 'late' })).recordUsage.status).toBe('RECORDED');
    const since = { ...late, windowEnd: '2026-03-10T12:00:00.001Z', idempotencyKey: 'since' };
    expect((await record(since)).errors?.[0]).toMatchObject({
      message: 'The metric "old" is archived since 2026-03-10T12:00:00.000Z.',
      extensions: { code: 'CONFLICT', field: 'metric', details: { archivedAt: '2026-03-10T12:00:00.000Z' } },
    });
  });

  it('refuses changes and charges', async () => {
    expect(await refused('updateMetric', { metric: 'old', name: 'New' })).toMatchObject({
      code: 'CONFLICT',
      field: 'metric',
    });
    const charge = { metric: 'old', productOdooId: maps.odoo.productIds[0], mode: 'QUANTITY' };
    expect(await refused('createCharge', charge)).toMatchObject({ code: 'CONFLICT', field: 'metric' });
  });
});

describe('a link', () => {
  let id: string;
  const NOON = '2026-03-11T12:00:00.000Z';

  beforeAll(async () => {
    const link = { account: 'acct', partnerOdooId: maps.odoo.partnerId, validFrom: '2026-03-01T00:00:00Z' };
    ({ id } = await makeLink(test, maps.key, link));
    await test.clock.set(new Date(NOON));
    dataOf(await record({ account: 'acct', idempotencyKey: 'linked' }));
  });

  it('is pinned and unpinned; its end stays as it is', async () => {
    const pinned = await done('updateAccountLink', { id, subscriptionOdooId: maps.odoo.orderId });
    expect(pinned).toMatchObject({ contract: { id: expect.any(String) as string }, validTo: null });
    expect(await done('updateAccountLink', { id, validTo: '2026-05-01T00:00:00Z' })).toMatchObject({
      contract: pinned.contract,
      validTo: '2026-05-01T00:00:00.000Z',
    });
    expect(await done('updateAccountLink', { id, subscriptionOdooId: null, validTo: null })).toMatchObject({
      contract: null,
      validTo: null,
    });
    const other = await addSubscription(test.sandbox.control, {
      partner: { name: 'Another company' },
      startDate: '2026-03-01',
      nextInvoiceDate: '2026-04-01',
      lines: [{ code: 'X', price: 1 }],
    });
    await test.runJobs('sync-odoo');
    expect(await refused('updateAccountLink', { id, subscriptionOdooId: other.orderId })).toMatchObject({
      code: 'NOT_FOUND',
      field: 'subscriptionOdooId',
    });
  });

  it('cannot end before usage that counts; once that is voided it can', async () => {
    const at = '2026-03-10T09:59:59.999Z';
    const refusal = {
      code: 'CONFLICT',
      field: 'at',
      message:
        'Usage of the account counts at 2026-03-10T09:59:59.999Z: end the link after it, or void the usage first.',
      details: { countedAt: '2026-03-10T09:59:59.999Z' },
    };
    expect(await refused('endAccountLink', { id, at })).toMatchObject(refusal);
    expect(await refused('updateAccountLink', { id, validTo: at })).toMatchObject({ ...refusal, field: 'validTo' });
    const input = { idempotencyKey: 'void of it', voids: 'linked', reason: 'a mistake' };
    dataOf(
      await test.gql(maps.key, 'mutation ($i: VoidUsageInput!) { voidUsage(input: $i) { status } }', { i: input }),
    );
    expect(await done('endAccountLink', { id, at })).toMatchObject({ validTo: at });
  });

  it('that has ended stays so, refuses later usage, and lets the account be linked anew', async () => {
    const entry = await lastAudit();
    expect(await done('endAccountLink', { id })).toMatchObject({ validTo: '2026-03-10T09:59:59.999Z' });
    expect(await lastAudit()).toEqual(entry);
    expect((await record({ account: 'acct', idempotencyKey: 'after' })).errors?.[0]?.extensions).toMatchObject({
      code: 'VALIDATION_FAILED',
      field: 'windowEnd',
    });
    await makeLink(test, maps.key, { account: 'acct', partnerOdooId: maps.odoo.partnerId, validFrom: NOON });
    expect(await refused('updateAccountLink', { id, validTo: null })).toMatchObject({
      code: 'CONFLICT',
      field: 'account',
      message: 'The account is linked in this time already.',
    });
  });

  it('can be archived only without usage; then the account is linked anew from the same instant', async () => {
    expect(await refused('archiveAccountLink', { id })).toMatchObject({
      code: 'CONFLICT',
      field: 'id',
      message: 'The link has usage and cannot be archived: end it.',
    });
    const link = { account: 'typo', partnerOdooId: maps.odoo.partnerId, validFrom: '2026-03-01T00:00:00Z' };
    const wrong = await makeLink(test, maps.key, link);
    expect(await refused('endAccountLink', { id: wrong.id, at: link.validFrom })).toMatchObject({
      code: 'VALIDATION_FAILED',
      field: 'at',
      message:
        "at must lie after the link's beginning, 2026-03-01T00:00:00.000Z; a link without usage can be archived.",
    });
    expect(await done('archiveAccountLink', { id: wrong.id })).toMatchObject({ archivedAt: NOON });
    expect(await done('archiveAccountLink', { id: wrong.id })).toMatchObject({ archivedAt: NOON });
    expect((await record({ account: 'typo' })).errors?.[0]?.extensions).toMatchObject({ code: 'NOT_FOUND' });
    expect(await refused('updateAccountLink', { id: wrong.id, validTo: null })).toMatchObject({
      code: 'CONFLICT',
      details: { archivedAt: NOON },
    });
    await makeLink(test, maps.key, link);
    const query = '{ accountLinks(filter: { account: "typo", archived: false }) { nodes { archivedAt } } }';
    expect(dataOf(await test.gql(maps.key, query)).accountLinks.nodes).toEqual([{ archivedAt: null }]);
  });
});

describe('a service', () => {
  it('cannot be archived while a charge of it is in use', async () => {
    expect(await refused('archiveService', {})).toMatchObject({
      code: 'CONFLICT',
      field: 'service',
      message: 'The service "maps" has charges in use: archive them first.',
      details: { chargesInUse: 1 },
    });
  });

  it('that is archived refuses what is new, takes what counted before, and stays readable', async () => {
    await done('archiveCharge', { id: maps.chargeId });
    const archivedAt = '2026-03-11T12:00:00.000Z';
    expect(await done('archiveService', {})).toMatchObject({ archivedAt });
    expect(await lastAudit()).toMatchObject({ action: 'service.archived' });
    expect(await done('archiveService', {})).toMatchObject({ archivedAt });
    await test.clock.set(new Date('2026-03-12T12:00:00Z'));
    const message = `The service "maps" is archived since ${archivedAt}.`;
    const link = { account: 'new', partnerOdooId: maps.odoo.partnerId };
    const metric = { code: 'new', name: 'New', unit: 'unit', aggregation: 'SUM' };
    for (const refusal of [
      await refused('createMetric', metric),
      await refused('createAccountLink', link),
      await refused('createCharge', { metric: 'tiles', productOdooId: maps.odoo.productIds[0], mode: 'QUANTITY' }),
      await refused('updateService', { name: 'New' }),
    ]) {
      expect(refusal).toMatchObject({ code: 'CONFLICT', field: 'service', message });
    }
    expect(dataOf(await record({ idempotencyKey: 'before' })).recordUsage.status).toBe('RECORDED');
    const since = { windowStart: '2026-03-12T00:00:00Z', windowEnd: '2026-03-12T01:00:00Z', idempotencyKey: 'since' };
    expect((await record(since)).errors?.[0]).toMatchObject({ message, extensions: { code: 'CONFLICT' } });
    const answer = await test.gql(maps.key, '{ services(archived: true) { nodes { code } } }');
    expect(dataOf(answer).services.nodes).toEqual([{ code: 'maps' }]);
  });
});

it('two changes of one service at once both hold', async () => {
  await makeService(test, 'busy');
  const codes = Array.from({ length: 8 }, (_, index) => `metric-${index}`);
  const create = (code: string): Promise<GraphqlAnswer> =>
    call('createMetric', { service: 'busy', code, name: code, unit: 'unit', aggregation: 'SUM' }, test.adminKey);
  for (const answer of await Promise.all(codes.map(create))) dataOf(answer);
  const [row] = await test.app.db.query(`select catalog_version from service where code = 'busy'`);
  expect(Number(row.catalog_version)).toBe(1 + codes.length);
});

it('a charge is made only for a metric that is in use at that very moment', async () => {
  const calm = await seedService(test, { code: 'calm' });
  await makeMetric(test, calm.key, { code: 'raced' });
  const charge = { metric: 'raced', productOdooId: calm.odoo.productIds[0] ?? 0, mode: 'QUANTITY' };
  const [archived, charged] = await Promise.all([
    call('archiveMetric', { metric: 'raced' }, calm.key),
    call('createCharge', charge, calm.key),
  ]);
  expect([archived.errors === undefined, charged.errors === undefined].filter(Boolean)).toHaveLength(1);
  await expect(makeCharge(test, calm.key, { ...charge, metric: calm.metric })).rejects.toThrow('carries this metric');
});
