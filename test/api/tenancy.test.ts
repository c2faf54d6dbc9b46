/**
 * The tenancy walk: two services with equal worlds, and every root field called with the key of one and the names of the
 * other. To a caller, what is another's must be the same as what does not exist.
 */
import assert from 'node:assert/strict';
import { getNamedType, type GraphQLField, type GraphQLSchema } from 'graphql';
import { buildGraphqlSchema } from '../../src/resolvers/schema';
import { tileBillerSpans } from '../../src/services/biller-spans';
import { reassignUsage } from '../../src/services/usage-reassign';
import { startTestApp, type GraphqlAnswer, type TestApp } from '../support/app';
import { ROOT_FIELDS, type RootField } from '../support/root-fields';
import { selectAll } from '../support/selection';
import { dataOf } from '../support/seed';
import { makeWorlds, namesOfNothing, type Names, type World } from '../support/walk-world';

const DEPTH = 3;
/** Of each list, little enough for what an operation may cost. */
const PAGE_SIZE = 10;
const SECOND = 'zebra';

type Arguments = Record<string, unknown>;

interface Entry {
  /**
   * Calls by the owner of the `own` names, each with exactly one of the `named` ones; `fresh` is new each time. The call must
   * succeed when both are the same.
   */
  calls: ((own: Names, named: Names, fresh: string) => Arguments)[];
  /** Actions of the audit entries a mutation writes; LEDGER: the ledger's own row names the actor. */
  audit?: string | string[];
  /** Only a key of the whole installation succeeds. */
  installationOnly?: true;
  /** Fewer of a list whose nodes have lists of their own. */
  pageSize?: number;
  /** What must be so before the owner's call can succeed. */
  prepare?: (own: Names) => Promise<unknown>;
}

let test: TestApp;
let schema: GraphQLSchema;
let first: World;
let second: World;

const filtered = (...names: ((named: Names) => Arguments)[]): Entry['calls'] =>
  names.map((name) => (_own, named) => ({ filter: name(named) }));
const byInput =
  (make: (own: Names, named: Names, fresh: string) => Arguments): Entry['calls'][number] =>
  (own, named, fresh) => ({ input: make(own, named, fresh) });

const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' };
const WINDOW = { windowStart: '2026-03-30T00:00:00Z', windowEnd: '2026-03-31T00:00:00Z', quantity: '1' };
const METRIC = { name: 'New', unit: 'unit', aggregation: 'SUM' };
const usage = (own: Names, fresh: string): Arguments => ({
  account: own.account,
  metric: own.metric,
  idempotencyKey: fresh,
  ...WINDOW,
});
const alert = ({ contractId, metric }: Names, name: string): Arguments => ({
  contractId,
  metric,
  kind: 'UNITS',
  thresholds: ['1', '1000'],
  name,
});

const waiver = (own: Names, fresh: string, named: Arguments): Arguments => ({
  contractId: own.contractId,
  productOdooId: own.product,
  value: '1',
  reason: fresh,
  idempotencyKey: fresh,
  ...named,
});

/** Another hour for each call: waiving the same time again leaves nothing in the log. */
const gapWaiver = (own: Names, hour: number): Arguments => ({
  periodId: own.closedPeriodId,
  metric: own.metric,
  from: `2026-03-20T0${hour}:00:00Z`,
  to: `2026-03-20T0${hour + 1}:00:00Z`,
  reason: 'a mistake',
});
const usages: Entry['calls'] = [
  byInput((own, named, fresh) => ({ ...usage(own, fresh), service: named.service })),
  byInput((own, named, fresh) => ({ ...usage(own, fresh), account: named.account })),
  byInput((own, named, fresh) => ({ ...usage(own, fresh), metric: named.metric })),
  byInput((own, named, fresh) => ({ ...usage(own, fresh), subscriptionId: named.subscriptionId })),
  byInput((own, named, fresh) => ({ ...usage(own, fresh), account: null, subscriptionId: named.subscriptionId })),
];

const pinCalls: Entry['calls'] = [
  byInput((own, { contractId }, fresh) => ({ contractId, chargeId: own.chargeId, reason: fresh })),
  byInput((own, { chargeId }, fresh) => ({ contractId: own.contractId, chargeId, reason: fresh })),
];
/** Pins the charge of the world, or none: deciding the same again would leave nothing in the log. */
const decidePin = (own: Names, chargeId: string | null): Promise<unknown> =>
  test.app.db.query(
    `insert into charge_pin (contract_id, metric_id, charge_id, actor, reason, pinned_at)
     select $1, metric_id, $3, 'cli:test', 'for the walk', $4 from charge where id = $2`,
    [own.contractId, own.chargeId, chargeId, test.clock.now()],
  );

const pinLineCalls: Entry['calls'] = [
  byInput((own, { contractId }, fresh) => ({ contractId, lineId: own.lineId, reason: fresh })),
  byInput((own, { lineId }, fresh) => ({ contractId: own.contractId, lineId, reason: fresh })),
];
const decideLinePin = (own: Names, lineId: string | null): Promise<unknown> =>
  test.app.db.query(
    `insert into line_pin (contract_id, product_id, subscription_line_id, actor, reason, pinned_at)
     select $1, product_id, $3, 'cli:test', 'for the walk', $4 from charge where id = $2`,
    [own.contractId, own.chargeId, lineId, test.clock.now()],
  );

const moved = (own: Names): Arguments => ({ records: [{ idempotencyKey: own.records[0] }], reason: 'a mistake' });

/** Counts the first record for another contract of its payer, so that it can be moved back. */
async function moveAway({ service, subscriptionId, records }: Names): Promise<void> {
  const { db } = test.app;
  const [contract] = await db.query<[{ id: string }]>('insert into contract (created_at) values (now()) returning id');
  await db.transaction((tx) => tileBillerSpans(tx, { contractIds: [contract.id] }));
  await db.query(
    `insert into subscription
     select (jsonb_populate_record(s, jsonb_build_object('id', uuid_v7(), 'contract_id', $2::uuid,
              'odoo_id', (select max(odoo_id) + 1 from subscription)))).*
       from subscription s where s.id = $1`,
    [subscriptionId, contract.id],
  );
  const away = {
    service,
    contractId: contract.id,
    records: [{ idempotencyKey: records[0] ?? '' }],
    reason: 'a mistake',
  };
  expect(await reassignUsage(test.ctx(), away, { withResults: false })).toMatchObject({ recordedCount: 1 });
}

const WALK: Record<RootField, Entry> = {
  'Query.accountLinks': {
    pageSize: 6,
    calls: filtered(
      ({ service }) => ({ service }),
      ({ account }) => ({ account }),
      ({ partner }) => ({ partnerOdooId: partner }),
    ),
  },
  'Query.apiKeys': { calls: [(_own, { service }) => ({ service })] },
  'Query.auditEntries': {
    calls: filtered(
      ({ service }) => ({ service }),
      ({ linkId }) => ({ subjectId: linkId }),
      ({ keyIds }) => ({ actor: keyIds[0] }),
    ),
  },
  'Query.balanceEntries': {
    calls: filtered(
      ({ service }) => ({ service }),
      ({ account }) => ({ account }),
      ({ contractId }) => ({ contractId }),
      ({ product }) => ({ productOdooId: product }),
    ),
  },
  'Query.balances': { calls: [(_own, { contractId }) => ({ contractId })] },
  'Query.billableLines': {
    calls: filtered(
      ({ service }) => ({ service }),
      ({ contractId }) => ({ contractId }),
      ({ account }) => ({ account }),
      ({ closedPeriodId }) => ({ periodId: closedPeriodId }),
      ({ chargeId }) => ({ chargeId }),
      ({ metric }) => ({ metric }),
    ),
  },
  'Query.billingPeriods': {
    calls: filtered(
      ({ service }) => ({ service }),
      ({ account }) => ({ account }),
      ({ contractId }) => ({ contractId }),
      () => ({ blocked: true }),
    ),
  },
  'Query.charges': {
    calls: [
      (_own, { service }) => ({ service }),
      (_own, { metric }) => ({ metric }),
      (_own, { product }) => ({ productOdooId: product }),
    ],
  },
  'Query.completeness': {
    calls: [
      byInput((own, { service }) => ({ ...MARCH, service, account: own.account, metric: own.metric })),
      byInput((own, { account }) => ({ ...MARCH, account, metric: own.metric })),
      byInput((own, { contractId }) => ({ ...MARCH, contractId, metric: own.metric })),
      byInput((own, { metric }) => ({ ...MARCH, contractId: own.contractId, metric })),
    ],
  },
  'Query.contract': { calls: [(_own, { contractId }) => ({ id: contractId })] },
  'Query.currentUsage': {
    calls: [
      (_own, { contractId }) => ({ contractId }),
      (_own, { subscriptionId }) => ({ subscriptionId }),
      (_own, { service, account }) => ({ service, account }),
    ],
  },
  'Query.estimateUsage': {
    calls: [
      byInput((own, { service }) => ({ service, contractId: own.contractId, metric: own.metric, units: '5' })),
      byInput((own, { contractId }) => ({ contractId, metric: own.metric, units: '5' })),
      byInput((own, { metric }) => ({ contractId: own.contractId, metric, units: '5' })),
      byInput((own, { chargeId }) => ({ contractId: own.contractId, chargeId, units: '5', onTopOfCurrent: true })),
    ],
  },
  'Query.finalDues': {
    calls: filtered(
      ({ service }) => ({ service }),
      ({ account }) => ({ account }),
      ({ contractId }) => ({ contractId }),
    ),
  },
  'Query.identities': {
    calls: filtered(
      ({ service }) => ({ service }),
      ({ account }) => ({ account }),
      ({ contractId }) => ({ contractId }),
    ),
  },
  'Query.metrics': { calls: [(_own, { service }) => ({ service })] },
  'Query.ratingDifferences': {
    calls: filtered(
      ({ service }) => ({ service }),
      ({ account }) => ({ account }),
      ({ contractId }) => ({ contractId }),
    ),
  },
  'Query.receiptProof': { calls: [(_own, { ledgerRow }) => ({ id: ledgerRow })] },
  'Query.services': { calls: [() => ({})] },
  'Query.verifyLedger': { calls: [() => ({ fromBlock: 1 })], installationOnly: true },
  'Query.subscription': { calls: [(_own, { subscriptionId }) => ({ id: subscriptionId })] },
  'Query.subscriptions': {
    calls: filtered(
      ({ service }) => ({ service }),
      ({ account }) => ({ account }),
      ({ order }) => ({ odooId: order }),
      ({ partner }) => ({ partnerOdooId: partner }),
      ({ contractId }) => ({ contractId }),
    ),
  },
  'Query.syncRuns': { calls: [() => ({})] },
  'Query.syncStatus': { calls: [() => ({})] },
  'Query.traceInvoiceLine': { calls: [(_own, { invoiceLine }) => ({ odooId: invoiceLine })] },
  'Query.traceRecord': {
    calls: [
      (own, { service }) => ({ service, idempotencyKey: own.records[0] }),
      (_own, { records }) => ({ idempotencyKey: records[0] }),
    ],
  },
  'Query.usageAlertEvents': {
    calls: filtered(
      ({ service }) => ({ service }),
      ({ account }) => ({ account }),
      ({ contractId }) => ({ contractId }),
      ({ alertIds }) => ({ alertId: alertIds[0] }),
    ),
  },
  'Query.usageAlerts': {
    calls: filtered(
      ({ service }) => ({ service }),
      ({ account }) => ({ account }),
      ({ contractId }) => ({ contractId }),
      ({ metric }) => ({ metric }),
    ),
  },
  'Query.usageRecord': {
    calls: [
      (own, { service }) => ({ service, idempotencyKey: own.records[0] }),
      (_own, { records }) => ({ idempotencyKey: records[0] }),
    ],
  },
  'Query.usageRecords': {
    calls: filtered(
      ({ service }) => ({ service }),
      ({ account }) => ({ account }),
      ({ contractId }) => ({ contractId }),
      ({ metric }) => ({ metrics: [metric] }),
    ),
  },
  'Query.usageSummary': {
    calls: filtered(
      ({ service }) => ({ ...MARCH, service }),
      ({ account }) => ({ ...MARCH, account }),
      ({ contractId }) => ({ ...MARCH, contractId }),
      ({ metric }) => ({ ...MARCH, metrics: [metric] }),
    ),
  },
  'Query.viewer': { calls: [() => ({})] },
  'Query.writeBacks': {
    calls: filtered(
      ({ service }) => ({ service }),
      ({ account }) => ({ account }),
      ({ contractId }) => ({ contractId }),
      ({ closedPeriodId }) => ({ periodId: closedPeriodId }),
    ),
  },
  'Mutation.archiveAccountLink': {
    calls: [byInput((_own, { spareLinkIds }) => ({ id: spareLinkIds[0] }))],
    audit: 'account_link.archived',
  },
  'Mutation.archiveCharge': {
    calls: [byInput((_own, { spareChargeId }) => ({ id: spareChargeId }))],
    audit: 'charge.archived',
  },
  'Mutation.archiveMetric': {
    calls: [
      byInput((own, { service }) => ({ service, metric: own.spareMetric })),
      byInput((_own, { spareMetric }) => ({ metric: spareMetric })),
    ],
    audit: 'metric.archived',
    // Archiving it again would leave nothing in the log.
    prepare: ({ spareMetric }) =>
      test.app.db.query('update metric set archived_at = null where code = $1', [spareMetric]),
  },
  'Mutation.archiveService': {
    calls: [byInput((_own, { service }) => ({ service }))],
    audit: 'service.archived',
    prepare: ({ service }) =>
      test.app.db.query(
        'update charge set archived_at = $2 where service_id = (select id from service where code = $1)',
        [service, test.clock.now()],
      ),
  },
  'Mutation.archiveUsageAlert': {
    calls: [byInput((_own, { alertIds }) => ({ id: alertIds[1] }))],
    audit: 'usage_alert.archived',
  },
  'Mutation.confirmPeriod': {
    calls: [byInput((_own, { derivedPeriodId }) => ({ id: derivedPeriodId }))],
    audit: 'billing_period.confirmed',
  },
  'Mutation.closePeriod': {
    calls: [byInput((_own, { derivedPeriodId }) => ({ periodId: derivedPeriodId }))],
    audit: 'billing_period.closed',
  },
  'Mutation.createAccountLink': {
    // A partner is Odoo's, not a service's: any service may link any partner, and sees what it has linked.
    calls: [
      byInput((own, { service }, fresh) => ({ service, account: fresh, partnerOdooId: own.partner })),
      byInput((own, { order }, fresh) => ({
        account: fresh,
        partnerOdooId: own.partner,
        subscriptionOdooId: order,
      })),
    ],
    audit: 'account_link.created',
  },
  'Mutation.createApiKey': {
    calls: [byInput((_own, { service }, fresh) => ({ service, name: fresh, scopes: ['USAGE_READ'] }))],
    audit: 'api_key.created',
  },
  'Mutation.createCharge': {
    calls: [
      byInput((own, { service }) => ({
        service,
        metric: own.idleMetrics[0],
        productOdooId: own.idleProducts[0],
        mode: 'QUANTITY',
      })),
      byInput((own, { idleMetrics }) => ({
        metric: idleMetrics[1],
        productOdooId: own.idleProducts[1],
        mode: 'QUANTITY',
      })),
      byInput((own, { product }) => ({ metric: own.idleMetrics[2], productOdooId: product, mode: 'QUANTITY' })),
    ],
    audit: 'charge.created',
  },
  'Mutation.createChargeVersion': {
    calls: [byInput((_own, { chargeId }) => ({ id: chargeId, validFrom: '2027-01-01', freeUnits: '1' }))],
    audit: ['charge.created', 'charge.ended'],
  },
  'Mutation.createMetric': {
    calls: [byInput((_own, { service }, fresh) => ({ service, code: fresh, ...METRIC }))],
    audit: 'metric.created',
  },
  'Mutation.createService': {
    calls: [byInput((own, named, fresh) => ({ code: own === named ? fresh : named.service, name: 'New' }))],
    audit: 'service.created',
    installationOnly: true,
  },
  'Mutation.createUsageAlert': {
    calls: [
      byInput((own, { service }, fresh) => ({ ...alert(own, fresh), service })),
      byInput((own, { contractId }, fresh) => ({ ...alert(own, fresh), contractId })),
      byInput((own, { metric }, fresh) => ({ ...alert(own, fresh), metric })),
      byInput((own, { account }, fresh) => ({ ...alert(own, fresh), contractId: null, account })),
      byInput((own, { subscriptionId }, fresh) => ({ ...alert(own, fresh), contractId: null, subscriptionId })),
    ],
    audit: 'usage_alert.created',
  },
  'Mutation.decideRatingDifference': {
    calls: [
      byInput((_own, { ratingDifferenceId }) => ({ id: ratingDifferenceId, accept: false, reason: 'as billed' })),
    ],
    audit: 'rating_difference.decided',
  },
  'Mutation.endAccountLink': {
    calls: [byInput((_own, { spareLinkIds }) => ({ id: spareLinkIds[1], at: '2027-03-20T00:00:00Z' }))],
    audit: 'account_link.ended',
  },
  'Mutation.pinCharge': {
    calls: pinCalls,
    audit: 'charge.pinned',
    prepare: (own) => decidePin(own, null),
  },
  'Mutation.unpinCharge': {
    calls: pinCalls,
    audit: 'charge.unpinned',
    prepare: (own) => decidePin(own, own.chargeId),
  },
  'Mutation.pinLine': {
    calls: pinLineCalls,
    audit: 'subscription_line.pinned',
    prepare: (own) => decideLinePin(own, null),
  },
  'Mutation.unpinLine': {
    calls: pinLineCalls,
    audit: 'subscription_line.unpinned',
    prepare: (own) => decideLinePin(own, own.lineId),
  },
  'Mutation.reassignUsage': {
    // Another service's key of a record is told apart in the tests of the mutation: the answer repeats the keys that were sent.
    calls: [
      byInput((own, { service }) => ({ ...moved(own), service, contractId: own.contractId })),
      byInput((own, { contractId }) => ({ ...moved(own), contractId })),
      byInput((own, { subscriptionId }) => ({ ...moved(own), subscriptionId })),
    ],
    audit: 'usage.reassigned',
    prepare: (own) => moveAway(own),
  },
  'Mutation.recordUsage': { calls: usages, audit: 'LEDGER' },
  'Mutation.recordUsageBatch': {
    calls: usages.map((call) => (own, named, fresh) => ({ input: { records: [call(own, named, fresh).input] } })),
    audit: 'LEDGER',
  },
  'Mutation.rerateClosedPeriods': {
    calls: [byInput((_own, { contractId }) => ({ contractId, reason: 'an upgrade' }))],
    audit: 'contract.rerated',
  },
  'Mutation.retryWriteBack': {
    calls: [byInput((_own, { writeBackId }) => ({ id: writeBackId }))],
    audit: 'write_back.retried',
  },
  'Mutation.rotateApiKey': {
    calls: [byInput((_own, { keyIds }) => ({ id: keyIds[0] }))],
    audit: 'api_key.rotated',
  },
  'Mutation.setServiceStage': {
    calls: [byInput((_own, { service }, fresh) => ({ service, stage: 'LIVE', reason: fresh }))],
    audit: 'service.stage_changed',
    // Leaving LIVE is refused once Odoo has billed; so the way into it is walked again.
    prepare: ({ service }) => test.app.db.query(`update service set stage = 'DUAL_RUN' where code = $1`, [service]),
  },
  'Mutation.settleFinalDue': {
    calls: [byInput((_own, { finalDueId }) => ({ id: finalDueId, how: 'INVOICED', reason: 'INV/7' }))],
    audit: 'final_due.settled',
  },
  'Mutation.syncNow': { calls: [() => ({ input: { models: ['PLAN'] } })], audit: 'sync.requested' },
  'Mutation.updateAccountLink': {
    calls: [
      byInput((_own, { spareLinkIds }) => ({ id: spareLinkIds[2], validTo: '2027-06-01T00:00:00Z' })),
      byInput((own, { order }) => ({ id: own.spareLinkIds[2], subscriptionOdooId: order })),
    ],
    audit: 'account_link.updated',
  },
  'Mutation.updateMetric': {
    calls: [
      byInput((own, { service }, fresh) => ({ service, metric: own.metric, name: fresh })),
      byInput((_own, { metric }, fresh) => ({ metric, name: fresh })),
    ],
    audit: 'metric.updated',
  },
  'Mutation.updateService': {
    calls: [byInput((_own, { service }, fresh) => ({ service, name: fresh }))],
    audit: 'service.updated',
  },
  'Mutation.updateUsageAlert': {
    calls: [byInput((_own, { alertIds }, fresh) => ({ id: alertIds[0], name: fresh }))],
    audit: 'usage_alert.updated',
  },
  'Mutation.waiveBalance': {
    calls: [
      byInput((own, { contractId }, fresh) => waiver(own, fresh, { contractId })),
      byInput((own, { product }, fresh) => waiver(own, fresh, { productOdooId: product })),
    ],
    audit: 'balance.waived',
  },
  'Mutation.voidUsage': {
    calls: [
      byInput((own, { service }, fresh) => ({
        service,
        idempotencyKey: fresh,
        voids: own.records[1],
        reason: 'a mistake',
      })),
      byInput((_own, { records }, fresh) => ({ idempotencyKey: fresh, voids: records[2], reason: 'a mistake' })),
    ],
    audit: 'usage.voided',
  },
  'Mutation.voidUsageBatch': {
    calls: [
      byInput((own, { service }, fresh) => ({
        voids: [{ service, idempotencyKey: fresh, voids: own.records[3], reason: 'a mistake' }],
      })),
      byInput((_own, { records }, fresh) => ({
        voids: [{ idempotencyKey: fresh, voids: records[4], reason: 'a mistake' }],
      })),
    ],
    audit: 'usage.voided',
  },
  'Mutation.waiveGap': {
    calls: [
      byInput((own, { service }) => ({ ...gapWaiver(own, 1), service })),
      byInput((own, { closedPeriodId }) => ({ ...gapWaiver(own, 2), periodId: closedPeriodId })),
      byInput((own, { metric }) => ({ ...gapWaiver(own, 3), metric })),
    ],
    audit: 'gap.waived',
  },
  'Mutation.replaceUsage': {
    calls: [
      byInput((own, { service }, fresh) => ({
        service,
        idempotencyKey: fresh,
        replaces: own.records[0],
        quantity: '3',
        reason: 'a mistake',
      })),
      byInput((_own, { records }, fresh) => ({
        idempotencyKey: fresh,
        replaces: records[0],
        quantity: '4',
        reason: 'a mistake',
      })),
    ],
    audit: 'usage.replaced',
  },
  'Mutation.replaceUsageBatch': {
    calls: [
      byInput((own, { service }, fresh) => ({
        replacements: [
          { service, idempotencyKey: fresh, replaces: own.records[0], quantity: '5', reason: 'a mistake' },
        ],
      })),
      byInput((_own, { records }, fresh) => ({
        replacements: [{ idempotencyKey: fresh, replaces: records[0], quantity: '6', reason: 'a mistake' }],
      })),
    ],
    audit: 'usage.replaced',
  },
  'Mutation.revokeApiKey': {
    calls: [byInput((_own, { keyIds }) => ({ id: keyIds[1] }))],
    audit: 'api_key.revoked',
  },
};

const tried = { calls: 0, fields: new Map<RootField, number>() };
let serial = 0;

beforeAll(async () => {
  schema = buildGraphqlSchema();
  test = await startTestApp({ now: new Date('2026-03-10T12:00:00Z') });
  [first, second] = await makeWorlds(test, ['aardvark', SECOND]);
}, 60_000);

afterAll(async () => {
  await test.close();
  const fields = [...tried.fields.values()].reduce((sum, count) => sum + count, 0);
  process.stdout.write(
    `tenancy walk: ${ROOT_FIELDS.length} root fields in ${tried.calls} calls, ${fields} fields of their answers looked at\n`,
  );
});

function rootField(name: RootField): GraphQLField<unknown, unknown> {
  const [type = '', field = ''] = name.split('.');
  const found = (type === 'Query' ? schema.getQueryType() : schema.getMutationType())?.getFields()[field];
  assert(found !== undefined);
  return found;
}

/** Calls a root field and selects all there is of its answer. */
async function call(name: RootField, key: string, args: Arguments): Promise<GraphqlAnswer> {
  const field = rootField(name);
  const given = field.args.filter((arg) => arg.name in args);
  const declared = given.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(', ');
  const page = field.args.some((arg) => arg.name === 'first') ? [`first: ${WALK[name].pageSize ?? PAGE_SIZE}`] : [];
  const passed = [...given.map((arg) => `${arg.name}: $${arg.name}`), ...page].join(', ');
  const { text, count } = selectAll(schema, getNamedType(field.type), DEPTH);
  tried.calls += 1;
  tried.fields.set(name, count);
  const head = name.startsWith('Query') ? 'query' : 'mutation';
  const query = `${head}${declared && `(${declared})`} { ${field.name}${passed && `(${passed})`} ${text} }`;
  return test.gql(key, query, args);
}

/** Every row of every table, as one text a table. */
async function everything(): Promise<Record<string, string>> {
  const tables = await test.app.db.query<{ table: string }[]>(
    `select table_name as table from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`,
  );
  const rows: Record<string, string> = {};
  for (const { table } of tables) {
    const [row] = await test.app.db.query(
      `select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as sum from ${table} t`,
    );
    rows[table] = row.sum;
  }
  return rows;
}

/** Ids of things that are the world's alone. */
function ownIds(world: World): string[] {
  return Object.entries(world)
    .flatMap(([name, value]) => (/^(keyI|.*Id)/.test(name) ? value : []))
    .filter((value): value is string => typeof value === 'string');
}

function expectNoTraceOf(world: World, answer: GraphqlAnswer): void {
  expect(answer.body.toLowerCase()).not.toContain(world.mark);
  for (const id of ownIds(world)) expect(answer.body).not.toContain(id);
}

it('has an entry for every root field of the schema', () => {
  const fields = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
    Object.keys(type?.getFields() ?? {}).map((field) => `${type?.name}.${field}`),
  );
  expect([...ROOT_FIELDS].toSorted()).toEqual(fields.toSorted());
});

describe('with the key of one service and a name of the other', () => {
  it.each(ROOT_FIELDS.filter((name) => name !== 'Mutation.syncNow'))(
    '%s answers as for a name that nothing bears, and changes nothing',
    async (name) => {
      const before = await everything();
      for (const make of WALK[name].calls) {
        const foreign = await call(name, first.key, make(first, second, 'fresh'));
        const nothing = await call(name, first.key, make(first, namesOfNothing(), 'fresh'));
        expect(foreign.body).toBe(nothing.body);
        expect(foreign.status).toBe(nothing.status);
        expectNoTraceOf(second, foreign);
      }
      expect(await everything()).toEqual(before);
    },
  );
});

describe('with its own key and names', () => {
  const walked = ROOT_FIELDS.flatMap((name) => [[name, 'first'] as const, [name, 'second'] as const]);

  it.each(walked)(
    '%s succeeds for the %s service, without a trace of the other, and is audited',
    async (name, whose) => {
      const [own, other] = whose === 'first' ? [first, second] : [second, first];
      const { calls, audit, installationOnly, prepare } = WALK[name];
      for (const make of calls) {
        await prepare?.(own);
        serial += 1;
        const fresh = `${own.mark}-new-${serial}`;
        const [{ last }] = await test.app.db.query('select coalesce(max(id), 0) as last from audit_entry');
        const answer = await call(name, installationOnly ? test.adminKey : own.key, make(own, own, fresh));
        const value = dataOf(answer)[rootField(name).name];
        expect(value).not.toBeNull();
        expectNoTraceOf(other, answer);
        if (name.startsWith('Query.')) continue;
        assert(audit !== undefined, 'a mutation says what it leaves behind');
        if (audit === 'LEDGER') {
          expect(value.rejectedCount ?? 0).toBe(0);
          const rows = await test.app.db.query('select actor from usage_record where idempotency_key = $1', [fresh]);
          expect(rows).toEqual([{ actor: own.keyId }]);
        } else {
          const rows = await test.app.db.query(
            'select distinct action, actor from audit_entry where id > $1 order by action',
            [last],
          );
          const actor = installationOnly ? 'env' : own.keyId;
          expect(rows).toEqual([audit].flat().map((action) => ({ action, actor })));
        }
      }
    },
  );
});
