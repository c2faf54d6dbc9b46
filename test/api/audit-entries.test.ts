import { startTestApp, type GraphqlAnswer, type TestApp } from '../support/app';
import { dataOf, makeKey, makeMetric, makeService } from '../support/seed';

let test: TestApp;
let alpha: { id: string; secret: string };
let beta: { id: string; secret: string };

beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
  await makeService(test, 'alpha');
  await makeService(test, 'beta');
  alpha = await makeKey(test, 'alpha');
  beta = await makeKey(test, 'beta');
  for (const code of ['one', 'two', 'three']) await makeMetric(test, alpha.secret, { code });
  await makeMetric(test, beta.secret, { code: 'theirs' });
});
afterAll(() => test.close());

async function list(key: string, args = ''): Promise<GraphqlAnswer> {
  return test.gql(
    key,
    `{ auditEntries${args} { nodes { id at actor action subjectType subjectId details } pageInfo { endCursor hasNextPage } } }`,
  );
}

function codesOf(answer: GraphqlAnswer): unknown[] {
  return dataOf(answer).auditEntries.nodes.map(({ details }: { details: { code?: string } }) => details.code);
}

it('tells who changed what, the newest first, page by page', async () => {
  const { nodes, pageInfo } = dataOf(await list(alpha.secret, '(first: 2)')).auditEntries;
  expect(nodes).toMatchObject([
    { at: '2026-03-10T12:00:00.000Z', actor: alpha.id, action: 'metric.created', details: { code: 'three' } },
    { actor: alpha.id, action: 'metric.created', subjectType: 'metric', details: { code: 'two' } },
  ]);
  expect(codesOf(await list(alpha.secret, `(first: 1, after: "${pageInfo.endCursor}")`))).toEqual(['one']);
});

it("shows a service's key what concerns its service only", async () => {
  const { nodes } = dataOf(await list(beta.secret)).auditEntries;
  expect(nodes.map(({ action }: { action: string }) => action)).toEqual([
    'metric.created',
    'api_key.created',
    'service.created',
  ]);
});

it('is narrowed by service, subject and action', async () => {
  const filter = '(filter: { service: "alpha", action: "metric.created" })';
  expect(codesOf(await list(test.adminKey, filter))).toEqual(['three', 'two', 'one']);
  const { nodes } = dataOf(await list(test.adminKey, `(filter: { subjectId: "${alpha.id}" })`)).auditEntries;
  expect(nodes).toMatchObject([{ action: 'api_key.created', actor: 'env' }]);
});

it('asks for the scope admin', async () => {
  const { secret } = await makeKey(test, null, ['CATALOG_READ']);
  expect((await list(secret)).errors?.[0]?.extensions).toMatchObject({
    code: 'FORBIDDEN',
    details: { scope: 'admin' },
  });
});
