import { startTestApp, type GraphqlAnswer, type TestApp } from '../support/app';
import { dataOf, makeKey, makeService, seedService } from '../support/seed';

let test: TestApp;
beforeAll(async () => {
  test = await startTestApp();
});
afterAll(() => test.close());

async function create(key: string, input: Record<string, unknown>): Promise<GraphqlAnswer> {
  const query =
    'mutation ($input: CreateServiceInput!) { createService(input: $input) { service { id code name stage createdAt archivedAt } } }';
  return test.gql(key, query, { input });
}

function refusalOf(answer: GraphqlAnswer): Record<string, unknown> | undefined {
  return answer.errors?.[0]?.extensions;
}

it('makes a service in stage SHADOW unless told otherwise, and writes it into the audit log', async () => {
  const { service } = dataOf(await create(test.adminKey, { code: 'maps', name: 'Maps' })).createService;
  expect(service).toMatchObject({
    code: 'maps',
    name: 'Maps',
    stage: 'SHADOW',
    createdAt: '2026-03-10T12:00:00.000Z',
    archivedAt: null,
  });
  const live = dataOf(await create(test.adminKey, { code: 'tiles', name: 'Tiles', stage: 'LIVE' })).createService;
  expect(live.service.stage).toBe('LIVE');
  const entries = await test.app.db.query('select action, actor, service_id from audit_entry where subject_id = $1', [
    service.id,
  ]);
  expect(entries).toEqual([{ action: 'service.created', actor: 'env', service_id: service.id }]);
});

it('gives every contract that is there its biller for the new service', async () => {
  await seedService(test, { code: 'first' });
  const { id } = await makeService(test, 'second');
  const spans = await test.app.db.query('select biller, starts_at, ends_at from biller_span where service_id = $1', [
    id,
  ]);
  expect(spans).toEqual([{ biller: 'NONE', starts_at: null, ends_at: null }]);
});

it('refuses a code that is taken', async () => {
  await makeService(test, 'taken');
  expect(refusalOf(await create(test.adminKey, { code: 'taken', name: 'Again' }))).toEqual({
    code: 'CONFLICT',
    retryable: false,
    field: 'code',
  });
});

it.each([
  [{ code: '' }, 'code'],
  [{ code: 'Maps' }, 'code'],
  [{ code: '-maps' }, 'code'],
  [{ code: 'a'.repeat(64) }, 'code'],
  [{ code: 'maps\n' }, 'code'],
  [{ name: '' }, 'name'],
  [{ name: 'n'.repeat(201) }, 'name'],
])('refuses %j', async (change, field) => {
  expect(refusalOf(await create(test.adminKey, { code: 'good', name: 'Good', ...change }))).toMatchObject({
    code: 'VALIDATION_FAILED',
    field,
  });
});

it('takes services from keys of the whole installation with the scope admin only', async () => {
  await makeService(test, 'owner');
  const bound = await makeKey(test, 'owner');
  const unscoped = await makeKey(test, null, ['CATALOG_WRITE']);
  for (const { secret } of [bound, unscoped]) {
    expect(refusalOf(await create(secret, { code: 'more', name: 'More' }))).toEqual({
      code: 'FORBIDDEN',
      retryable: false,
      details: { scope: 'admin' },
    });
  }
});

it('lists all services for the installation, and its own for a service', async () => {
  await makeService(test, 'lonely');
  const { secret } = await makeKey(test, 'lonely', ['CATALOG_READ']);
  const query = '{ services { nodes { code } } }';
  expect(dataOf(await test.gql(secret, query)).services.nodes).toEqual([{ code: 'lonely' }]);
  const all: { code: string }[] = dataOf(await test.gql(test.adminKey, query)).services.nodes;
  expect(all.map(({ code }) => code)).toEqual(expect.arrayContaining(['lonely', 'maps', 'tiles']));
  const { secret: writer } = await makeKey(test, 'lonely', ['CATALOG_WRITE']);
  expect(refusalOf(await test.gql(writer, query))).toMatchObject({
    code: 'FORBIDDEN',
    details: { scope: 'catalog:read' },
  });
});
