/**
 * A month told through the public faces: usage, catalogue and stages over GraphQL, Odoo as the sandbox over HTTP, and a clock
 * that is moved. What the crontab does every minute is done once whenever the story stops at an instant.
 */
import type { Fault } from '../../sandbox/faults';
import { type LineSetup, type SubscriptionIds, type SubscriptionSetup, addSubscription } from '../../sandbox/world';
import { Pool } from 'pg';
import type { Config } from '../../src/config';
import type { DeliveredMode, SandboxState } from '../../sandbox/sandbox';
import { MINUTE } from '../../src/jobs/player';
import { type TestApp, type TestAppOptions, startTestApp } from './app';
import { createTestDatabase } from './db';

export interface Opening {
  now: string;
  timeZone?: string;
  /** When Odoo's run comes, "HH:MM" in UTC; also ODOO_INVOICE_RUN_AT. */
  runAt?: string;
  mode?: DeliveredMode;
  startOn: string;
  nextInvoiceOn: string;
  lines?: LineSetup[];
  /** One month by default. */
  plan?: SubscriptionSetup['plan'];
  currency?: SubscriptionSetup['currency'];
  config?: Partial<Config>;
}

export interface ChargeSetup {
  service?: string;
  metric: string;
  productOdooId: number;
  mode?: 'QUANTITY' | 'AMOUNT';
  unitPrice?: string;
  freeUnits?: string;
  unitsPerProductUnit?: string;
  onGap?: 'BILL_KNOWN' | 'HOLD';
}

/** Usage counted at an instant, or over a window. */
export interface Usage {
  quantity: number | string;
  counted: string | readonly [string, string];
  /** `calls` by default. */
  metric?: string;
  /** `cloud` by default. */
  service?: string;
}

/** A story between two moments, as plain JSON: what it takes to go on from here elsewhere, any number of times. */
export interface SavedStory {
  opening: Opening;
  order: SubscriptionIds;
  now: string;
  /** A copy of the database to which nobody connects. */
  databaseUrl: string;
  adminKey: string;
  sandbox: SandboxState;
}

/** One metered product and a base fee, as most customers have. */
export const PLAIN_LINES: LineSetup[] = [
  { code: 'BASE', name: 'Base fee', price: 20, policy: 'order' },
  { code: 'CALLS', name: 'Calls', price: 0.5 },
];

export class Story {
  private sent = 0;
  private constructor(
    readonly test: TestApp,
    readonly order: SubscriptionIds,
    private readonly opening: Opening,
  ) {}

  /** A running order of one partner, a LIVE service `cloud` with the account `acme`, and nothing charged yet. */
  static async open(opening: Opening, start: typeof startTestApp = startTestApp): Promise<Story> {
    const test = await start(appOptions(opening));
    const order = await addSubscription(test.sandbox.control, {
      partner: { name: 'Acme' },
      startDate: opening.startOn,
      nextInvoiceDate: opening.nextInvoiceOn,
      lines: opening.lines ?? PLAIN_LINES,
      plan: opening.plan,
      currency: opening.currency,
    });
    return new Story(test, order, opening);
  }

  /** Goes on where another story was saved, on a copy of its database and in a sandbox of its own. */
  static async resume(saved: SavedStory): Promise<Story> {
    const { opening, databaseUrl, adminKey } = saved;
    const test = await startTestApp({ ...appOptions({ ...opening, now: saved.now }), copyOf: databaseUrl, adminKey });
    await test.sandbox.control.loadState(saved.sandbox);
    return new Story(test, saved.order, opening);
  }

  /** Saves the story as it stands. To the app it is a restart; `drop` removes the copy of the database. */
  async save(): Promise<SavedStory & { drop(): Promise<void> }> {
    const { test, opening, order } = this;
    const sandbox = await test.sandbox.control.saveState();
    let copy: Awaited<ReturnType<typeof createTestDatabase>> | undefined;
    await test.restart(async () => {
      copy = await createTestDatabase(test.databaseUrl);
    });
    if (copy === undefined) throw new Error('Nothing was copied.');
    const now = test.clock.now().toISOString();
    return { opening, order, now, databaseUrl: copy.url, adminKey: test.adminKey, sandbox, drop: copy.drop };
  }

  /**
   * A new process in the place of the one there is, which may have been cut off from everything. What a dead one had locked
   * or failed in the queue is due at once, and not by the machine's clock.
   */
  async restartApp(): Promise<void> {
    await this.test.restart(() => this.retryJobsNow());
  }

  /** The usual beginning: service `cloud` LIVE, metric `calls` on the second line's product, account `acme`, first sight. */
  async begin(charge: Partial<ChargeSetup> = {}): Promise<void> {
    await this.minute();
    await this.catalogue(charge);
    await this.minute();
  }

  /** What `begin` makes between its two minutes. What is there already, with the same content, is left as it is. */
  async catalogue(charge: Partial<ChargeSetup> = {}): Promise<void> {
    await this.service('cloud', 'LIVE');
    await this.metric('cloud', 'calls');
    await this.charge({ metric: 'calls', productOdooId: this.product(1), ...charge });
    await this.link('cloud', 'acme');
  }

  product(index: number): number {
    return at(this.order.productIds, index);
  }

  async service(code: string, stage: string): Promise<void> {
    await this.make('mutation ($i: CreateServiceInput!) { createService(input: $i) { service { id } } }', {
      input: { code, name: code },
      found: '{ services(first: 200) { nodes { code name } } }',
    });
    if (stage !== 'SHADOW') await this.stage(code, stage);
  }

  async stage(service: string, stage: string): Promise<void> {
    await this.run('mutation ($i: SetServiceStageInput!) { setServiceStage(input: $i) { service { stage } } }', {
      service,
      stage,
      reason: 'the story says so',
    });
  }

  async metric(service: string, code: string): Promise<void> {
    await this.make('mutation ($i: CreateMetricInput!) { createMetric(input: $i) { metric { id } } }', {
      input: { service, code, name: code, unit: 'unit', aggregation: 'SUM' },
      found: '{ metrics(first: 200) { nodes { service { code } code name unit aggregation } } }',
    });
  }

  async charge({ service = 'cloud', mode = 'QUANTITY', unitPrice, ...charge }: ChargeSetup): Promise<void> {
    const price = unitPrice === undefined ? {} : { price: { standard: { unitPrice } }, currency: 'USD' };
    await this.make('mutation ($i: CreateChargeInput!) { createCharge(input: $i) { charge { id } } }', {
      input: { service, mode, ...price, ...charge },
      found: `{ charges(first: 200) { nodes { service: metric { service { code } } metric { code } productOdooId: product { odooId }
        mode currency freeUnits unitsPerProductUnit price { ... on StandardPrice { unitPrice } } } } }`,
    });
  }

  async link(service: string, account: string): Promise<void> {
    const partnerOdooId = this.order.partnerId;
    await this.make('mutation ($i: CreateAccountLinkInput!) { createAccountLink(input: $i) { accountLink { id } } }', {
      input: { service, account, partnerOdooId, validFrom: '2025-01-01T00:00:00.000Z' },
      found: `{ accountLinks(first: 200) { nodes { service { code } account validFrom partnerOdooId: partner { odooId } } } }`,
    });
  }

  /** Makes something, unless the list `found` asks for has it already, field by field as in `input`. */
  private async make(
    mutation: string,
    { input, found }: { input: Record<string, unknown>; found: string },
  ): Promise<void> {
    const { errors } = await this.test.gql(this.test.adminKey, mutation, { i: input });
    if (errors === undefined) return;
    if (errors[0]?.extensions.code !== 'CONFLICT') throw new Error(JSON.stringify(errors));
    const [list] = Object.values(await this.run(found)) as { nodes: Record<string, unknown>[] }[];
    expect(list?.nodes.map(flatten)).toContainEqual(expect.objectContaining(flatten(input)));
  }

  /** Records usage counted at an instant, or over a window; gives the idempotency key. */
  async use(
    quantity: number | string,
    window: string | [string, string],
    metric = 'calls',
    service = 'cloud',
  ): Promise<string> {
    this.sent += 1;
    const usage = { quantity, counted: window, metric, service };
    const key = `${keyOf(usage)}/${this.sent}`;
    expect(await this.send(usage, key)).toBe('RECORDED');
    return key;
  }

  /** Sends usage under a fixed key, as a service does that may have died after it sent it before. */
  async send(usage: Usage, idempotencyKey = keyOf(usage)): Promise<'RECORDED' | 'DUPLICATE'> {
    const { quantity, counted, metric = 'calls', service = 'cloud' } = usage;
    const [windowStart, windowEnd] = typeof counted === 'string' ? [counted, counted] : counted;
    const data = await this.run('mutation ($i: RecordUsageInput!) { recordUsage(input: $i) { status } }', {
      service,
      account: 'acme',
      metric,
      windowStart,
      windowEnd,
      quantity: String(quantity),
      idempotencyKey,
    });
    return data.recordUsage.status as 'RECORDED' | 'DUPLICATE';
  }

  async void(key: string, service = 'cloud'): Promise<void> {
    await this.run('mutation ($i: VoidUsageInput!) { voidUsage(input: $i) { status } }', {
      service,
      idempotencyKey: `void ${key}`,
      voids: key,
      reason: 'counted by mistake',
    });
  }

  /** A person confirms the periods whose start was derived. */
  async confirmPeriods(): Promise<void> {
    const data = await this.run(
      'query ($i: ID!) { billingPeriods(filter: { contractId: $i }, first: 200) { nodes { id derived confirmedAt } } }',
      await this.contractId(),
    );
    for (const { id, derived, confirmedAt } of data.billingPeriods.nodes as ConfirmablePeriod[]) {
      if (!derived || confirmedAt !== null) continue;
      await this.run('mutation ($i: ConfirmPeriodInput!) { confirmPeriod(input: $i) { period { derived } } }', { id });
    }
  }

  /** What the crontab starts every minute, and all that follows from it. */
  async minute(): Promise<void> {
    await this.test.runJobs(...MINUTE);
  }

  /** Moves both clocks to an instant, Odoo's runs on the way included, and lets a minute's jobs run. */
  async at(instant: string): Promise<void> {
    await this.test.clock.set(new Date(instant));
    await this.minute();
  }

  /** A minute in which jobs may fail because Odoo does; the failed ones are due again at once. */
  async minuteInTrouble(): Promise<void> {
    await this.minute().catch((error: unknown) => {
      if (!String(error).includes('Jobs failed:')) throw error;
    });
    await this.retryJobsNow();
  }

  async atInTrouble(instant: string): Promise<void> {
    await this.test.clock.set(new Date(instant));
    await this.minuteInTrouble();
  }

  /** The queue waits by the machine's clock, longer with each failure; the story's clock has moved on since. */
  async retryJobsNow(): Promise<void> {
    await withOwner(this.test.databaseUrl, (pool) =>
      pool.query(
        `update graphile_worker._private_jobs set run_at = now(), last_error = null, locked_at = null, locked_by = null
          where attempts > 0`,
      ),
    );
  }

  /** Moves the clocks to an instant at which usage is sent, and sends it, counted an hour before. */
  async usedBy(instant: string, quantity: number | string): Promise<string> {
    const now = new Date(instant);
    await this.test.clock.set(now);
    return this.use(quantity, new Date(now.getTime() - 3_600_000).toISOString());
  }

  /** The nightly pass, which notices what is gone, and a minute after it. */
  async night(): Promise<void> {
    await this.test.runJobs('sync-odoo-full');
    await this.minute();
  }

  /** The period that ends on a day is closed and written, and Odoo's run of that day comes. */
  async bill(day: string): Promise<void> {
    await this.at(`${day}T03:00:00Z`);
    await this.at(`${day}T12:01:00Z`);
  }

  /** A person adds another line with the product of line 1 to the order, after the others; the mirror knows it. */
  async addLine(): Promise<void> {
    const line = { order_id: this.order.orderId, product_id: this.product(1), product_uom_qty: 0 };
    this.order.lineIds.push(await this.test.sandbox.control.create('sale.order.line', line));
    await this.minute();
  }

  /** What a person does to a line in Odoo. */
  async editLine(values: Record<string, unknown>, line = 1): Promise<void> {
    await this.test.sandbox.control.update('sale.order.line', at(this.order.lineIds, line), values);
  }

  /** What a person does to the order in Odoo. */
  async editOrder(values: Record<string, unknown>): Promise<void> {
    await this.test.sandbox.control.update('sale.order', this.order.orderId, values);
  }

  /** The next write to a slot meets this fault. */
  async failWrite(fault: Fault['fault'], more: Partial<Fault> = {}): Promise<void> {
    await this.test.sandbox.control.addFault({ fault, match: { method: 'web_save' }, ...more });
  }

  /** What the slot of a line holds in Odoo. */
  async slot(line = 1): Promise<number> {
    const record = await this.test.sandbox.control.record('sale.order.line', at(this.order.lineIds, line));
    return (record.qty_delivered ?? 0) as number;
  }

  /** Quantities that Odoo has invoiced on a line, in order. */
  async invoiced(line = 1): Promise<number[]> {
    const lineId = at(this.order.lineIds, line);
    const rows = await this.test.sandbox.control.records('account.move.line');
    return rows
      .filter((row) => ((row.sale_line_ids ?? []) as number[]).includes(lineId))
      .map((row) => row.quantity as number);
  }

  async nextInvoiceOn(): Promise<string> {
    return (await this.test.sandbox.control.record('sale.order', this.order.orderId))?.next_invoice_date as string;
  }

  /** Every value that was ever written to a line, in order. */
  async writes(line = 1): Promise<number[]> {
    const lineId = at(this.order.lineIds, line);
    const writes = await this.test.sandbox.control.writes();
    return writes
      .filter((write) => write.model === 'sale.order.line' && write.ids.includes(lineId))
      .flatMap((write) => (write.vals as { qty_delivered?: number }).qty_delivered ?? []);
  }

  async contractId(): Promise<string> {
    const data = await this.run('{ subscriptions { nodes { odooId contract { id } } } }');
    const nodes = data.subscriptions.nodes as { odooId: number; contract: { id: string } }[];
    const node = nodes.find((candidate) => candidate.odooId === this.order.orderId);
    if (node === undefined) throw new Error('The order is not mirrored.');
    return node.contract.id;
  }

  /** Periods, the oldest first. */
  async periods(): Promise<PeriodView[]> {
    const data = await this.run(
      `query ($i: ID!) { billingPeriods(filter: { contractId: $i }, first: 50) { nodes {
         id startOn endOn state derived dirty blocks { reason }
         lines { units value amount revision charge { metric { code } } adjustments { value } } } } }`,
      await this.contractId(),
    );
    return (data.billingPeriods.nodes as PeriodView[]).reverse();
  }

  /** Every block that stands now, the oldest period's first. */
  async blocks(): Promise<{ reason: string; message: string }[]> {
    const data = await this.run(
      'query ($i: ID!) { billingPeriods(filter: { contractId: $i }, first: 200) { nodes { blocks { reason message } } } }',
      await this.contractId(),
    );
    const nodes = data.billingPeriods.nodes as { blocks: { reason: string; message: string }[] }[];
    return nodes.reverse().flatMap((node) => node.blocks);
  }

  async reasons(): Promise<string[]> {
    return (await this.blocks()).map((block) => block.reason);
  }

  /** Write-backs, the newest first. */
  async writeBacks(): Promise<WriteBackView[]> {
    const data = await this.run(
      `{ writeBacks(first: 200) { nodes { id kind target state readBack attempts blockReason problem { code } } } }`,
    );
    return data.writeBacks.nodes as WriteBackView[];
  }

  async balance(product = 1): Promise<BalanceView> {
    const data = await this.run(
      'query ($i: ID!) { balances(contractId: $i) { truth billed due target remainder product { odooId } } }',
      await this.contractId(),
    );
    const rows = data.balances as (BalanceView & { product?: { odooId: number } })[];
    const row = rows.find((candidate) => candidate.product?.odooId === this.product(product));
    if (row === undefined) throw new Error('No balance of the product.');
    delete row.product;
    return row;
  }

  /** Every record counts once, and truth is what was billed, waived and is left. */
  async expectIdentities(): Promise<void> {
    expect((await this.run('{ identities { holds money { difference } } }')).identities).toEqual({
      holds: true,
      money: [{ difference: '0' }],
    });
  }

  /** Runs an operation with the installation's key; any error fails the test. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the shape of an answer is what the story knows
  async run(query: string, input?: unknown): Promise<Record<string, any>> {
    const answer = await this.test.gql(this.test.adminKey, query, input === undefined ? undefined : { i: input });
    if (answer.errors !== undefined) throw new Error(JSON.stringify(answer.errors));
    return answer.data;
  }

  async close(): Promise<void> {
    await this.test.close();
  }
}

function appOptions({ now, timeZone = 'UTC', mode = 'reset', runAt = '12:00', config }: Opening): TestAppOptions {
  const [hours, minutes] = runAt.split(':');
  return {
    now: new Date(now),
    timeZone,
    sandbox: { load: 'empty', now: new Date(now), mode, runAt },
    config: { invoiceRunAtMinutes: Number(hours) * 60 + Number(minutes), ...config },
  };
}

/** The idempotency key of usage that is sent once for its service, metric and window. */
export function keyOf({ counted, metric = 'calls', service = 'cloud' }: Usage): string {
  return `${service}/acme/${metric}/${typeof counted === 'string' ? counted : counted[0]}`;
}

/** An object within an object becomes its only value: `{ service: { code: 'cloud' } }` is `{ service: 'cloud' }`. */
function flatten(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, innermost(value)]));
}

function innermost(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? innermost(Object.values(value)[0]) : value;
}

interface ConfirmablePeriod {
  id: string;
  derived: boolean;
  confirmedAt: string | null;
}

export interface PeriodView {
  id: string;
  startOn: string;
  endOn: string | null;
  state: string;
  derived: boolean;
  dirty: boolean;
  blocks: { reason: string }[];
  lines: {
    units: string;
    value: string;
    amount: string;
    revision: number;
    charge: { metric: { code: string } };
    adjustments: { value: string }[];
  }[];
}

export interface WriteBackView {
  id: string;
  kind: string;
  target: string;
  state: string;
  readBack: string | null;
  attempts: number;
  blockReason: string | null;
  problem: { code: string } | null;
}

export interface BalanceView {
  truth: string;
  billed: string;
  due: string;
  target: string;
  remainder: string;
}

async function withOwner(url: string, work: (pool: Pool) => Promise<unknown>): Promise<void> {
  const pool = new Pool({ connectionString: url, max: 1 });
  await work(pool).finally(() => pool.end());
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`Nothing at ${index}.`);
  return item;
}
