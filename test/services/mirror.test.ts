import { addSubscription } from '../../sandbox/world';
import { runSync } from '../../src/services/mirror';
import { startTestApp, type TestApp } from '../support/app';

let test: TestApp;
beforeAll(async () => {
  test = await startTestApp({ sandbox: { load: 'recorded' } });
});
afterAll(() => test.close());

it('smoke', async () => {
  const first = await runSync(test.ctx());
  console.log(first.runs.map((r) => [r.model, r.read, r.inserted, r.updated, r.unchanged, r.gone, r.problems.map((p) => p.message), r.error, r.startedAt, r.finishedAt]));
  const second = await runSync(test.ctx());
  console.log(second.runs.map((r) => [r.model, r.read, r.inserted, r.updated, r.unchanged, r.gone, r.problems, r.error]));
  const a = await test.gql(test.adminKey, '{ syncStatus { asOf odooReachable models { model asOf running lastRun { full read problems { message } } } } subscriptions(first: 3) { nodes { odooId name state startOn asOf currency partner { name asOf } plan { name periodUnit } contract { id } lines { odooId orderedQuantity unitPrice product { code invoicedOnDelivery } charges { id } subscription { odooId} asOf } } } }');
  console.log(JSON.stringify(a.errors ?? a.data, null, 1).slice(0, 6000));
  void addSubscription;
});
