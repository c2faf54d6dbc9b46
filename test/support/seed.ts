/** Builds worlds for tests by the public faces: the sandbox's Odoo, and the GraphQL API with real keys. */
import { addSubscription, type LineSetup, type SubscriptionIds, type SubscriptionSetup } from '../../sandbox/world';
import type { ScopeName } from '../../src/domain/scope';
import { SCOPES } from '../../src/domain/scope';
import type { GraphqlAnswer, TestApp } from './app';

const ALL_SCOPE_NAMES = Object.keys(SCOPES) as ScopeName[];

/** The answer's data. @throws Error with the answer's body when it holds an error. */
export function dataOf(answer: GraphqlAnswer): GraphqlAnswer['data'] {
  if (answer.errors !== undefined || answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`);
  return answer.data;
}

/** Calls a mutation with its input, selecting `selection` of the payload, which it returns. */
export async function mutate(
  test: TestApp,
  key: string,
  call: { name: string; input: Record<string, unknown>; selection: string },
): Promise<GraphqlAnswer['data']> {
  const type = `${call.name.slice(0, 1).toUpperCase()}${call.name.slice(1)}Input!`;
  const query = `mutation ($input: ${type}) { ${call.name}(input: $input) { ${call.selection} } }`;
  return dataOf(await test.gql(key, query, { input: call.input }))[call.name];
}

export async function makeService(
  test: TestApp,
  code: string,
  stage = 'SHADOW',
): Promise<{ id: string; code: string }> {
  const input = { code, name: `Service ${code}`, stage };
  const { service } = await mutate(test, test.adminKey, {
    name: 'createService',
    input,
    selection: 'service { id code }',
  });
  return service;
}

/** A key of `service`, or of the whole installation when it is null. */
export async function makeKey(
  test: TestApp,
  service: string | null,
  scopes: readonly ScopeName[] = ALL_SCOPE_NAMES,
): Promise<{ id: string; secret: string }> {
  const input = { service, name: `key of ${service ?? 'all'}`, scopes };
  const selection = 'secret apiKey { id }';
  const { secret, apiKey } = await mutate(test, test.adminKey, { name: 'createApiKey', input, selection });
  return { id: apiKey.id, secret };
}

export async function makeMetric(
  test: TestApp,
  key: string,
  input: { code: string; aggregation?: string; unit?: string; name?: string; perEvent?: boolean },
): Promise<{ id: string }> {
  const all = { name: `Metric ${input.code}`, unit: 'unit', aggregation: 'SUM', ...input };
  return (await mutate(test, key, { name: 'createMetric', input: all, selection: 'metric { id }' })).metric;
}

export async function makeLink(
  test: TestApp,
  key: string,
  input: { account: string; partnerOdooId: number; validFrom?: string; validTo?: string; subscriptionOdooId?: number },
): Promise<{ id: string }> {
  const call = { name: 'createAccountLink', input, selection: 'accountLink { id }' };
  return (await mutate(test, key, call)).accountLink;
}

export async function makeCharge(
  test: TestApp,
  key: string,
  input: { metric: string; productOdooId: number; mode: string } & Record<string, unknown>,
): Promise<{ id: string }> {
  return (await mutate(test, key, { name: 'createCharge', input, selection: 'charge { id }' })).charge;
}

export interface SeedOptions {
  /** Service code; also the beginning of the account's and the metric's code. */
  code: string;
  stage?: string;
  /** From when the link holds; the start of the subscription by default. */
  linkedFrom?: string;
  subscription?: Partial<SubscriptionSetup>;
  /** The metered line; 2.00 a unit by default. */
  line?: Partial<LineSetup>;
  /** Of the charge, besides metric and product; mode QUANTITY by default. */
  charge?: Record<string, unknown>;
}

/** A service with everything it needs to record and bill: made by `seedService`. */
export interface SeededService {
  id: string;
  code: string;
  /** A key of the service with every scope. */
  key: string;
  keyId: string;
  account: string;
  linkId: string;
  metric: string;
  metricId: string;
  chargeId: string;
  odoo: SubscriptionIds;
}

/**
 * In Odoo a customer with a monthly subscription of one metered line (since 1 March 2026, next invoice 1 April), mirrored
 * here; and a service with a key, a link to the customer, a metric, and a charge on the line's product.
 */
export async function seedService(test: TestApp, options: SeedOptions): Promise<SeededService> {
  const { code } = options;
  const startDate = options.subscription?.startDate ?? '2026-03-01';
  const odoo = await addSubscription(test.sandbox.control, {
    partner: { name: `Customer of ${code}` },
    nextInvoiceDate: '2026-04-01',
    lines: [{ code: `MTR-${code}`, name: `Usage of ${code}`, price: 2, ...options.line }],
    ...options.subscription,
    startDate,
  });
  await test.runJobs('sync-odoo');
  const service = await makeService(test, code, options.stage);
  const key = await makeKey(test, code);
  const account = `${code}-account`;
  const metric = `${code}-metric`;
  const { id: metricId } = await makeMetric(test, key.secret, { code: metric });
  const { id: linkId } = await makeLink(test, key.secret, {
    account,
    partnerOdooId: odoo.partnerId,
    validFrom: options.linkedFrom ?? `${startDate}T00:00:00Z`,
  });
  const charge = { mode: 'QUANTITY', ...options.charge };
  const productOdooId = odoo.productIds[0] ?? 0;
  const { id: chargeId } = await makeCharge(test, key.secret, { metric, productOdooId, ...charge });
  await test.runJobs('advance-contracts');
  return {
    ...service,
    key: key.secret,
    keyId: key.id,
    account,
    linkId,
    metric,
    metricId,
    chargeId,
    odoo,
  };
}
