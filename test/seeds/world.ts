/** One seed's customer: an order in the sandbox Odoo, a service that counts and bills it, and what the seed remembers of it. */
import { addSubscription, type SubscriptionIds } from '../../sandbox/world';
import { type Decimal, ZERO } from '../../src/domain/decimal';
import { dataOf, mutate } from '../support/seed';
import type { TestApp } from '../support/app';
import { type ChargePlan, drawWorld, type WorldPlan } from './catalogue';
import { Random } from './random';
import { type Correction, Memory, type Outcome, type Sent } from './remembered';

/** Odoo names a price for each unit; the quantity of an amount is the amount. */
const LINE_PRICE = { QUANTITY: 0.5, AMOUNT: 1 };
const ACCOUNT = 'acme';

export interface ProductView {
  truth: string;
  billed: string;
  due: string;
  target: string;
}

export interface PeriodView {
  startOn: string;
  endOn: string | null;
  state: 'OPEN' | 'CLOSED';
  dirty: boolean;
}

export class World {
  readonly random: Random;
  readonly plan: WorldPlan;
  readonly memory: Memory;
  /** The story so far, a line a step. */
  readonly story: string[] = [];
  /** What a person has let go, by product of the plan. */
  readonly waived: Decimal[];
  /** A draft invoice that a person has made and not posted. */
  draft: number | null = null;
  isSkipped = false;
  private keys = 0;
  private contract: string | undefined;
  private ids: SubscriptionIds | undefined;

  constructor(
    readonly test: TestApp,
    readonly seed: number,
  ) {
    this.random = new Random(seed);
    this.plan = drawWorld(this.random);
    this.waived = this.plan.modes.map(() => ZERO);
    this.memory = new Memory(this.plan.charges.map(({ metric }) => metric));
    for (const charge of this.plan.charges) this.tell(JSON.stringify(charge));
  }

  /** Code of the service that counts for it. */
  get service(): string {
    return `seed-${this.seed}`;
  }

  get order(): SubscriptionIds {
    if (this.ids === undefined) throw new Error('The order is not there yet.');
    return this.ids;
  }

  /** Id of the order's line that carries a product of the plan. */
  lineId(product: number): number {
    // The first line is the base fee.
    return this.order.lineIds[product + 1] as number;
  }

  get now(): Date {
    return this.test.clock.now();
  }

  tell(what: string): void {
    this.story.push(`${this.now.toISOString().slice(0, 16)} ${what}`);
  }

  /** A key that no record and no correction has: keys rise, so that a batch is recorded in the order of its keys. */
  freshKey(kind: string): string {
    this.keys += 1;
    return `${String(this.keys).padStart(5, '0')} ${kind}`;
  }

  async makeOrder(): Promise<void> {
    const { seed, plan, test } = this;
    const lines = plan.modes.map((mode, product) => ({ code: `P${seed}-${product}`, price: LINE_PRICE[mode] }));
    this.ids = await addSubscription(test.sandbox.control, {
      partner: { name: `Customer ${seed}` },
      startDate: plan.startOn,
      nextInvoiceDate: '2026-04-01',
      lines: [{ code: 'BASE', price: 20, policy: 'order' }, ...lines],
    });
  }

  /** Needs the order in the mirror. */
  async makeCatalogue(): Promise<void> {
    const { service, plan, order } = this;
    await this.mutate('createService', { code: service, name: service }, 'service { id }');
    const live = { service, stage: 'LIVE', reason: 'it is a seed' };
    await this.mutate('setServiceStage', live, 'service { stage }');
    for (const charge of plan.charges) await this.makeCharge(charge);
    const link = { service, account: ACCOUNT, partnerOdooId: order.partnerId, validFrom: '2025-01-01T00:00:00.000Z' };
    await this.mutate('createAccountLink', link, 'accountLink { id }');
  }

  private async makeCharge({ metric: { code, rules }, product, price, ...charge }: ChargePlan): Promise<void> {
    const { service, order } = this;
    await this.mutate('createMetric', { service, code, name: code, unit: 'unit', ...rules }, 'metric { id }');
    const priced = price === null ? {} : { price, currency: 'USD' };
    const productOdooId = order.productIds[product + 1];
    await this.mutate('createCharge', { service, metric: code, productOdooId, ...charge, ...priced }, 'charge { id }');
  }

  /** Sends records, in one request or each alone; fails unless each is answered as it must be. */
  async send(records: readonly Sent[]): Promise<void> {
    const { service } = this;
    const inputs = records.map((record) => ({ service, account: ACCOUNT, ...record }));
    await this.sendAll({
      name: 'recordUsage',
      batch: { name: 'recordUsageBatch', list: 'records' },
      items: inputs,
      expected: records.map((record) => this.memory.record(record)),
    });
  }

  async correct(corrections: readonly Correction[]): Promise<void> {
    for (const isVoid of [true, false]) {
      const some = corrections.filter(({ quantity }) => (quantity === undefined) === isVoid);
      const { service } = this;
      await this.sendAll({
        name: isVoid ? 'voidUsage' : 'replaceUsage',
        batch: isVoid ? { name: 'voidUsageBatch', list: 'voids' } : { name: 'replaceUsageBatch', list: 'replacements' },
        items: some.map(({ target, ...rest }) => ({ service, [isVoid ? 'voids' : 'replaces']: target, ...rest })),
        expected: some.map((correction) => this.memory.correct(correction)),
      });
    }
  }

  /** Lets a part of what is due on a product go. */
  async waive(product: number, value: Decimal): Promise<void> {
    const productOdooId = this.order.productIds[product + 1];
    const input = {
      contractId: await this.contractId(),
      productOdooId,
      value: value.toFixed(),
      reason: 'the seed says so',
    };
    this.tell(`waiveBalance ${JSON.stringify(input)}`);
    await this.mutate('waiveBalance', input, 'isDuplicate');
    this.waived[product] = value.plus(this.waived[product] ?? ZERO);
  }

  private async sendAll(sending: {
    name: string;
    batch: { name: string; list: string };
    items: Record<string, unknown>[];
    expected: Outcome[];
  }): Promise<void> {
    const { name, batch, items, expected } = sending;
    if (items.length === 0) return;
    for (const [index, item] of items.entries()) this.tell(`${name} ${expected[index]} ${JSON.stringify(item)}`);
    const [only, ...others] = items;
    const outcomes =
      only !== undefined && others.length === 0 && this.random.chance(0.5)
        ? [await this.sendOne(name, only)]
        : await this.sendBatch(batch, items);
    expect(outcomes).toEqual(expected);
  }

  private async sendOne(name: string, input: Record<string, unknown>): Promise<Outcome> {
    const type = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}Input!`;
    const query = `mutation ($input: ${type}) { ${name}(input: $input) { status } }`;
    const { data, errors } = await this.test.gql(this.test.adminKey, query, { input });
    return errors === undefined ? data[name].status : (errors[0]?.extensions.code as string);
  }

  private async sendBatch(batch: { name: string; list: string }, items: Record<string, unknown>[]): Promise<Outcome[]> {
    const selection = 'results { status problem { code } }';
    const { results } = await this.mutate(batch.name, { [batch.list]: items }, selection);
    return (results as { status: string; problem: { code: string } | null }[]).map(
      ({ status, problem }) => problem?.code ?? status,
    );
  }

  /** What the application says of the contract: balances by product of the plan, and its periods, the oldest first. */
  async view(): Promise<{ products: ProductView[]; periods: PeriodView[]; blocks: string[] }> {
    const data = dataOf(
      await this.test.gql(
        this.test.adminKey,
        `query ($id: ID!) {
          balances(contractId: $id) { truth billed due target product { odooId } }
          billingPeriods(filter: { contractId: $id }, first: 50) { nodes { startOn endOn state dirty blocks { reason } } } }`,
        { id: await this.contractId() },
      ),
    );
    const balances = data.balances as (ProductView & { product: { odooId: number } })[];
    const periods = (data.billingPeriods.nodes as (PeriodView & { blocks: { reason: string }[] })[]).reverse();
    return {
      products: this.plan.modes.map((_, product) => {
        const found = balances.find((balance) => balance.product.odooId === this.order.productIds[product + 1]);
        if (found === undefined) throw new Error(`No balance of product ${product}.`);
        return found;
      }),
      periods,
      blocks: periods.flatMap(({ blocks }) => blocks.map(({ reason }) => reason)),
    };
  }

  private async contractId(): Promise<string> {
    if (this.contract !== undefined) return this.contract;
    const answer = await this.test.gql(
      this.test.adminKey,
      '{ subscriptions(first: 200) { nodes { odooId contract { id } } } }',
    );
    const nodes = dataOf(answer).subscriptions.nodes as { odooId: number; contract: { id: string } }[];
    const node = nodes.find(({ odooId }) => odooId === this.order.orderId);
    if (node === undefined) throw new Error('The order is not mirrored.');
    this.contract = node.contract.id;
    return this.contract;
  }

  private mutate(name: string, input: Record<string, unknown>, selection: string) {
    return mutate(this.test, this.test.adminKey, { name, input, selection });
  }
}
