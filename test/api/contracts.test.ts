/** What a contract shows to a key that may read the catalogue but no billing. */
import { startTestApp, type TestApp } from '../support/app';
import { makeKey, seedService } from '../support/seed';

let test: TestApp;
let key: string;

beforeAll(async () => {
  test = await startTestApp();
  await seedService(test, { code: 'cloud' });
  key = (await makeKey(test, 'cloud', ['CATALOG_READ'])).secret;
});
afterAll(() => test.close());

it('the catalogue scope reads orders and their partner', async () => {
  const query = '{ subscriptions { nodes { contract { partner { name } billers { biller } } } } }';
  const answer = await test.gql(key, query);
  expect(answer.errors).toBeUndefined();
  expect(answer.data.subscriptions.nodes).toMatchObject([{ contract: { partner: { name: 'Customer of cloud' } } }]);
});

it.each(['openPeriod { id }', 'periods { nodes { id } }', 'balances { due }'])(
  'and is refused %s with the scope it lacks, however it comes there',
  async (field) => {
    const answer = await test.gql(key, `{ subscriptions { nodes { contract { ${field} } } } }`);
    expect(answer.errors).toMatchObject([
      {
        message: 'This key lacks the scope billing:read.',
        extensions: { code: 'FORBIDDEN', details: { scope: 'billing:read' } },
      },
    ]);
  },
);
