/**
 * How often each list asks the database: as often for many rows as for two, whatever is selected of them. Every connection is
 * found in the schema itself; what is missing in the table below fails.
 */
import { getNamedType, graphql, isObjectType, type GraphQLSchema } from 'graphql';
import { buildGraphqlSchema } from '../../src/resolvers/schema';
import { startTestApp, type TestApp } from '../support/app';
import { seedManyRows } from '../support/many-rows';
import { recordUsageBatch } from '../../src/services/usage-records';
import { selectAll } from '../support/selection';
import { counter } from '../support/usage-world';

const FEW = 2;
const MANY = 25;
const DEPTH = 3;
/**
 * Loaders gather what is asked for while the event loop is busy with an answer, so a batch may now and then be cut in two.
 * One statement a row would be 23 more.
 */
const SLACK = 4;

/** The fields around a connection, `*` in its place and `first` where the number of rows is to be chosen. */
const CONNECTIONS: Record<string, string> = {
  'AccountLink.subscriptions': '{ accountLinks(first) { nodes { subscriptions(first: 2) * } } }',
  'Contract.periods': '{ subscriptions(first) { nodes { contract { periods(first: 2) * } } } }',
  'InvoiceLineTrace.records': '{ traceInvoiceLine(odooId: 1) { records(first) * } }',
  'Query.accountLinks': '{ accountLinks(first) * }',
  'Query.apiKeys': '{ apiKeys(first) * }',
  'Query.auditEntries': '{ auditEntries(first) * }',
  'Query.balanceEntries': '{ balanceEntries(first) * }',
  'Query.billableLines': '{ billableLines(first) * }',
  'Query.billingPeriods': '{ billingPeriods(first) * }',
  'Query.charges': '{ charges(first) * }',
  'Query.finalDues': '{ finalDues(first) * }',
  'Query.metrics': '{ metrics(first) * }',
  'Query.ratingDifferences': '{ ratingDifferences(first) * }',
  'Query.services': '{ services(first) * }',
  'Query.subscriptions': '{ subscriptions(first) * }',
  'Query.syncRuns': '{ syncRuns(first) * }',
  'Query.usageAlertEvents': '{ usageAlertEvents(first) * }',
  'Query.usageAlerts': '{ usageAlerts(first) * }',
  'Query.usageRecords': '{ usageRecords(first) * }',
  'Query.writeBacks': '{ writeBacks(first) * }',
  'SyncRun.setAside': '{ syncRuns(first) { nodes { setAside(first: 1) * } } }',
};

let test: TestApp;
let schema: GraphQLSchema;
/** Services of which many records, and only one, stand behind the line of February; the first one's is invoice line 1. */
let crowded: Named;
let lonely: Named;

interface Named {
  id: string;
  code: string;
  /** Of the order whose February is closed. */
  subscriptionId: string;
}

async function recordFebruary({ id: serviceId, subscriptionId }: Named, count: number): Promise<void> {
  const records = Array.from({ length: count }, (_, index) =>
    counter({
      idempotencyKey: `february/${index}`,
      subscriptionId,
      windowStart: '2026-02-10T09:00:00Z',
      windowEnd: '2026-02-10T10:00:00Z',
    }),
  );
  await recordUsageBatch(test.ctx({ serviceId }), records, { withResults: false });
}

beforeAll(async () => {
  schema = buildGraphqlSchema();
  test = await startTestApp({ sandbox: false });
  await seedManyRows(test, MANY);
  const services = await test.app.db.query<Named[]>(
    `select v.id, v.code, s.id as "subscriptionId"
       from billing_period p join subscription s on s.contract_id = p.contract_id
       join account_link a on a.partner_id = (select r.id from partner r where r.odoo_id = s.partner_odoo_id)
       join service v on v.id = a.service_id where p.state = 'CLOSED' order by p.id`,
  );
  [crowded, lonely] = services as [Named, Named, ...Named[]];
  await recordFebruary(crowded, MANY);
  await recordFebruary(lonely, 1);
}, 120_000);
afterAll(() => test.close());

/** Every `Type.field` that is a connection, and the type it has. */
function connections(): Map<string, string> {
  const found = Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .flatMap((type) => Object.values(type.getFields()).map((field) => [type, field] as const))
    .map(([type, field]) => [`${type.name}.${field.name}`, getNamedType(field.type).name] as const);
  return new Map(found.filter(([, name]) => name.endsWith('Connection')));
}

/** Statements that `query` sends with a key of the whole installation; the rows it selects are all there. */
async function statements(query: string): Promise<{ count: number; text: string }> {
  const sent = jest.spyOn(test.app.db.logger, 'logQuery');
  try {
    const answer = await graphql({ schema, source: query, contextValue: test.ctx() });
    expect(answer.errors).toBeUndefined();
    return { count: sent.mock.calls.length, text: JSON.stringify(answer.data) };
  } finally {
    sent.mockRestore();
  }
}

function queryOf(connection: string, first: number): string {
  const type = schema.getType(connections().get(connection) ?? '');
  const selection = type === undefined ? '' : selectAll(schema, type, DEPTH).text;
  return (CONNECTIONS[connection] ?? '').replace('(first)', `(first: ${first})`).replace('*', selection);
}

it('has an entry for every connection of the schema', () => {
  expect(Object.keys(CONNECTIONS).toSorted()).toEqual([...connections().keys()].toSorted());
});

it.each(Object.keys(CONNECTIONS))('%s asks the database as often for many rows as for two', async (connection) => {
  // Connections to the database are opened before anything is counted.
  await statements(queryOf(connection, FEW));
  const few = await statements(queryOf(connection, FEW));
  const many = await statements(queryOf(connection, MANY));
  expect(many.text.length).toBeGreaterThan(((MANY / FEW) * few.text.length) / 2);
  expect(many.count - few.count).toBeLessThanOrEqual(SLACK);
});

it('a trace of an invoice line costs as many statements for 25 records as for two', async () => {
  const query = (first: number): string =>
    `{ traceInvoiceLine(odooId: 1) { status worth invoiceLine { invoice { number } } settlement { period { startOn } }
       worths { period { startOn } charge { metric { code } } now { units } } adjustments { value }
       records(first: ${first}) { nodes { part period { startOn } charge { mode } record { quantity effectiveQuantity } } } } }`;
  await statements(query(FEW));
  const few = await statements(query(FEW));
  const many = await statements(query(MANY));
  expect(JSON.parse(many.text).traceInvoiceLine.records.nodes).toHaveLength(MANY);
  expect([few.count, many.count]).toEqual([12, 12]);
});

it('a trace of a record costs as many statements for one of 25 as for the only one of its line', async () => {
  const query = ({ code }: Named): string =>
    `{ traceRecord(service: "${code}", idempotencyKey: "february/0") { outcome contract { id } period { startOn }
       charge { mode } lines { units } adjustments { value } writeBacks { state }
       settlements { billed invoiceLine { invoice { number } } } } }`;
  const counts: number[] = [];
  for (const service of [crowded, lonely]) {
    const { count, text } = await statements(query(service));
    expect(JSON.parse(text).traceRecord).toMatchObject({ outcome: 'IN_PERIOD', settlements: [{ billed: '1' }] });
    counts.push(count);
  }
  expect(counts).toEqual([15, 15]);
});

it('100 subscriptions with lines, plan, partner, contract, open period and balances cost 23 statements', async () => {
  const query = (first: number): string => `{ subscriptions(first: ${first}) { nodes {
    name state currency plan { name } partner { name }
    lines { description product { name } charges { metric { code service { code } } } }
    contract { partner { name } openPeriod { start end state blocks { reason } } balances { due target product { name } } billers { biller } } } } }`;
  await statements(query(FEW));
  const few = await statements(query(FEW));
  const many = await statements(query(100));
  expect(JSON.parse(many.text).subscriptions.nodes).toHaveLength(100);
  expect([few.count, many.count]).toEqual([23, 23]);
});
