/** Equal worlds for the tenancy walk: whatever text or number can be chosen carries the mark of its service. */
import { randomUUID } from 'node:crypto';
import { addSubscription, type SubscriptionIds } from '../../sandbox/world';
import type { TestApp } from './app';
import { dataOf, makeCharge, makeKey, makeLink, makeMetric, makeService, mutate } from './seed';

/** The names by which callers know a service's things. */
export interface Names {
  service: string;
  account: string;
  metric: string;
  /** Charged on nothing. */
  idleMetrics: string[];
  partner: number;
  order: number;
  /** Carries the metric. */
  product: number;
  /** On the order, carrying nothing. */
  idleProducts: number[];
  subscriptionId: string;
  contractId: string;
  /** Open, derived and not confirmed, of another contract; its end has passed. */
  derivedPeriodId: string;
  closedPeriodId: string;
  /** Blocked. */
  writeBackId: string;
  /** Both wait for a person. */
  finalDueId: string;
  ratingDifferenceId: string;
  linkId: string;
  /** Of 2027 on, without usage. */
  spareLinkIds: string[];
  spareMetric: string;
  chargeId: string;
  /** Carries the product of the charge. */
  lineId: string;
  spareChargeId: string;
  keyIds: string[];
  /** Of the first there is an event. */
  alertIds: string[];
  records: string[];
  /** The number of the first record. */
  ledgerRow: string;
  /** Bills the product that carries the metric. */
  invoiceLine: number;
}

export interface World extends Names {
  mark: string;
  key: string;
  keyId: string;
}

/** Names of the right form that nothing bears. */
export function namesOfNothing(): Names {
  const id = randomUUID();
  return {
    service: 'nothing',
    account: 'nothing',
    metric: 'nothing',
    idleMetrics: ['nothing', 'nothing', 'nothing'],
    partner: 2_000_000_001,
    order: 2_000_000_001,
    product: 2_000_000_001,
    idleProducts: [2_000_000_001, 2_000_000_001, 2_000_000_001],
    subscriptionId: id,
    contractId: id,
    derivedPeriodId: id,
    closedPeriodId: id,
    writeBackId: id,
    finalDueId: id,
    ratingDifferenceId: id,
    linkId: id,
    spareLinkIds: [id, id, id],
    spareMetric: 'nothing',
    chargeId: id,
    lineId: id,
    spareChargeId: id,
    keyIds: [id, id, id],
    alertIds: [id, id],
    records: ['nothing', 'nothing', 'nothing', 'nothing', 'nothing'],
    ledgerRow: '999999999',
    invoiceLine: 2_000_000_001,
  };
}

/** One of each, in all parts alike. On the order of each stands a line with the product of the other, too. */
export async function makeWorlds(test: TestApp, marks: readonly [string, string]): Promise<[World, World]> {
  const [first, second] = marks;
  const orders = [await addOrders(test, first, second), await addOrders(test, second, first)] as const;
  await test.runJobs('sync-odoo');
  const worlds = [await makeWorld(test, first, orders[0]), await makeWorld(test, second, orders[1])] as const;
  await test.runJobs('advance-contracts');
  for (const world of worlds) await recordUsage(test, world);
  // The provisional write, Odoo's run of 1 April, its invoices; then the first contracts are closed by hand.
  await test.clock.set(new Date('2026-03-31T20:00:00Z'));
  await test.runJobs('sync-odoo', 'advance-contracts');
  await test.clock.set(new Date('2026-04-01T03:00:00Z'));
  await test.runJobs('sync-odoo', 'advance-contracts');
  return [await complete(test, worlds[0]), await complete(test, worlds[1])];
}

interface Orders {
  running: SubscriptionIds;
  derived: SubscriptionIds;
}

async function addOrders(test: TestApp, mark: string, otherMark: string): Promise<Orders> {
  const metered = (code: string): { code: string; name: string; price: number } => ({
    code: `MTR-${code}`,
    name: `Usage of ${code}`,
    price: 2,
  });
  const idle = ['1', '2', '3'].map((n) => ({ code: `IDLE-${mark}-${n}`, name: `Idle ${mark} ${n}`, price: 1 }));
  const running = await addSubscription(test.sandbox.control, {
    partner: { name: `${mark} customer`, ref: `${mark}-ref` },
    startDate: '2026-03-01',
    nextInvoiceDate: '2026-04-01',
    lines: [metered(mark), metered(otherMark), ...idle],
  });
  const derived = await addSubscription(test.sandbox.control, {
    partner: { name: `${mark} second customer` },
    startDate: '2025-06-01',
    nextInvoiceDate: '2026-04-01',
    lines: [metered(mark)],
  });
  return { running, derived };
}

type Begun = World & { secondAccount: string };

async function makeWorld(test: TestApp, mark: string, { running, derived }: Orders): Promise<Begun> {
  const service = await makeService(test, mark);
  const key = await makeKey(test, mark);
  const input = { service: mark, stage: 'LIVE', reason: `${mark} goes live` };
  await mutate(test, key.secret, { name: 'setServiceStage', input, selection: 'service { id }' });
  const metric = `${mark}-metric`;
  const idleMetrics = ['1', '2', '3'].map((n) => `${mark}-idle-${n}`);
  const [spareMetric, secondMetric] = [`${mark}-spare`, `${mark}-second-metric`];
  for (const code of [metric, ...idleMetrics, spareMetric, secondMetric])
    await makeMetric(test, key.secret, { code, unit: `${mark}s` });
  const link = { validFrom: '2026-01-01T00:00:00Z' };
  const account = `${mark}-account`;
  const { id: linkId } = await makeLink(test, key.secret, { ...link, account, partnerOdooId: running.partnerId });
  const secondAccount = `${mark}-second`;
  await makeLink(test, key.secret, { ...link, account: secondAccount, partnerOdooId: derived.partnerId });
  const spareLinkIds: string[] = [];
  for (const n of ['1', '2', '3']) {
    const spare = {
      validFrom: '2027-01-01T00:00:00Z',
      account: `${mark}-spare-${n}`,
      partnerOdooId: running.partnerId,
    };
    spareLinkIds.push((await makeLink(test, key.secret, spare)).id);
  }
  const [product = 0, , ...idleProducts] = running.productIds;
  const charge = { productOdooId: product, mode: 'QUANTITY' };
  const { id: chargeId } = await makeCharge(test, key.secret, { ...charge, metric });
  const { id: spareChargeId } = await makeCharge(test, key.secret, { ...charge, metric: secondMetric });
  const keyIds: string[] = [];
  for (const scopes of [['USAGE_READ'], ['USAGE_READ'], ['USAGE_READ']] as const) {
    keyIds.push((await makeKey(test, mark, scopes)).id);
  }
  const names = { ...namesOfNothing(), service: service.code, account, metric, idleMetrics, product, idleProducts };
  const made = { linkId, spareLinkIds, spareMetric, chargeId, spareChargeId, keyIds };
  const own = { mark, key: key.secret, keyId: key.id, ...made, secondAccount };
  return { ...names, ...own, partner: running.partnerId, order: running.orderId };
}

async function recordUsage(test: TestApp, world: Begun): Promise<void> {
  world.records = ['1', '2', '3', '4', '5'].map((n) => `${world.mark}-record-${n}`);
  for (const idempotencyKey of [...world.records, `${world.mark}-other`]) {
    const input = {
      account: idempotencyKey.endsWith('other') ? world.secondAccount : world.account,
      metric: world.metric,
      idempotencyKey,
      windowStart: '2026-03-09T00:00:00Z',
      windowEnd: '2026-03-10T00:00:00Z',
      quantity: '7.25',
      dimensions: { [world.mark]: world.mark },
      meter: `${world.mark}-meter`,
      source: `${world.mark}-source`,
    };
    await mutate(test, world.key, { name: 'recordUsage', input, selection: 'status' });
  }
}

async function complete(test: TestApp, world: Begun): Promise<World> {
  const query = `{ subscriptions { nodes { id odooId contract { id openPeriod { id derived } } } } }`;
  const { nodes } = dataOf(await test.gql(world.key, query)).subscriptions as {
    nodes: { id: string; odooId: number; contract: { id: string; openPeriod: { id: string; derived: boolean } } }[];
  };
  const running = nodes.find(({ odooId }) => odooId === world.order);
  const derived = nodes.find(({ odooId }) => odooId !== world.order);
  if (running === undefined || !derived?.contract.openPeriod.derived) throw new Error('the world lacks its orders');
  const alertIds = await makeAlerts(test, world, running.contract.id);
  const periodId = running.contract.openPeriod.id;
  await mutate(test, world.key, { name: 'closePeriod', input: { periodId }, selection: 'period { id }' });
  const [writeBack] = await test.app.db
    .query(
      `update write_back set state = 'BLOCKED', block_reason = 'REFUSED_BY_ODOO', problem = $2
      where id = (select w.id from write_back w join charge c on c.product_id = w.product_id join service s on s.id = c.service_id
                   where s.code = $1 and w.contract_id = $3 order by w.id desc limit 1)
     returning id`,
      [world.service, problemOf(world.mark), running.contract.id],
    )
    .then(([rows]: [{ id: string }[]]) => rows);
  if (writeBack === undefined) throw new Error('the world lacks a write-back');
  const [invoiceLine] = await test.app.db.query<{ odoo_id: number }[]>(
    `select i.odoo_id from invoice_line i join subscription_line l on l.odoo_id = any(i.sale_line_odoo_ids)
      where l.subscription_odoo_id = $1 and l.product_odoo_id = $2`,
    [world.order, world.product],
  );
  if (invoiceLine === undefined) throw new Error('the world lacks an invoice');
  const [line] = await test.app.db.query<{ id: string }[]>(
    'select id from subscription_line where subscription_odoo_id = $1 and product_odoo_id = $2',
    [world.order, world.product],
  );
  if (line === undefined) throw new Error('the world lacks a line');
  const waiting = await seedWaiting(test, world.mark, periodId);
  const [key = ''] = world.records;
  const first = dataOf(await test.gql(world.key, `{ usageRecord(idempotencyKey: "${key}") { id } }`)).usageRecord as {
    id: string;
  };
  return {
    ...world,
    ledgerRow: first.id,
    invoiceLine: invoiceLine.odoo_id,
    subscriptionId: running.id,
    contractId: running.contract.id,
    closedPeriodId: periodId,
    derivedPeriodId: derived.contract.openPeriod.id,
    writeBackId: writeBack.id,
    lineId: line.id,
    alertIds,
    ...waiting,
  };
}

/** Their first event is that of the close. */
async function makeAlerts(test: TestApp, world: World, contractId: string): Promise<string[]> {
  const ids: string[] = [];
  for (const n of ['1', '2']) {
    const watched = { contractId, metric: world.metric, kind: 'UNITS', thresholds: ['7.25'] };
    const input = { ...watched, name: `${world.mark} alert ${n}` };
    const { usageAlert } = await mutate(test, world.key, {
      name: 'createUsageAlert',
      input,
      selection: 'usageAlert { id }',
    });
    ids.push(usageAlert.id);
  }
  return ids;
}

/** Something due on the first rated line of a closed period, and what waits for a person to decide about it. */
async function seedWaiting(
  test: TestApp,
  mark: string,
  periodId: string,
): Promise<Pick<Names, 'finalDueId' | 'ratingDifferenceId'>> {
  const line = `
    from (select l.id, l.period_id, l.charge_id, l.bucket, c.service_id, c.product_id, p.contract_id
            from billable_line l join charge c on c.id = l.charge_id join billing_period p on p.id = l.period_id
            join service s on s.id = c.service_id
           where l.period_id = $1 and s.code = $2 order by l.id limit 1) l`;
  const [row] = await test.app.db.query<Pick<Names, 'finalDueId' | 'ratingDifferenceId'>[]>(
    `with credited as (
       insert into balance_entry (service_id, contract_id, product_id, period_id, kind, value, reason, actor, created_at)
       select l.service_id, l.contract_id, l.product_id, l.period_id, 'CREDITED', -1000, $2, $2, now() ${line}),
     due as (
       insert into final_due (service_id, contract_id, product_id, value, cause, state, found_at)
       select l.service_id, l.contract_id, l.product_id, 5, 'LINE_GONE', 'OPEN', now() ${line} returning id),
     difference as (
       insert into rating_difference (period_id, charge_id, bucket, billable_line_id, from_version, to_version,
          stored_value, new_value, found_at, state)
       select l.period_id, l.charge_id, l.bucket, l.id, 1, 2, 1, 3, now(), 'OPEN' ${line} returning id)
     select due.id as "finalDueId", difference.id as "ratingDifferenceId" from due, difference`,
    [periodId, mark],
  );
  if (row === undefined) throw new Error('the world lacks a rated line');
  return row;
}

function problemOf(mark: string): string {
  return JSON.stringify({
    code: 'UPSTREAM_REJECTED',
    message: `${mark} was refused`,
    field: null,
    retryable: false,
    details: null,
  });
}
