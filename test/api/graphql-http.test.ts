/** The audits of the GraphQL-over-HTTP specification, by the suite of its authors, against a server that listens. */
import { serverAudits } from 'graphql-http';
import { startTestApp, type TestApp } from '../support/app';

let test: TestApp;
let address = '';

beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
  address = await test.server.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => test.close());

const audits = serverAudits({ url: () => `${address}/graphql` });

it('there are 61 of them', () => {
  expect(audits).toHaveLength(61);
});

it.each(audits.map((audit) => [audit.id, audit.name, audit] as const))('%s %s', async (_id, _name, audit) => {
  const result = await audit.fn();
  expect([result.status, 'reason' in result ? result.reason : '']).toEqual(['ok', '']);
});
