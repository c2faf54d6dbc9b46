import pino from 'pino';
import { startSandbox, type Sandbox } from '../../sandbox/sandbox';
import { addSubscription, type SubscriptionIds } from '../../sandbox/world';
import { Decimal } from '../../src/domain/decimal';
import { createOdooClient, type OdooClient } from '../../src/odoo/client';
import type { OdooFault } from '../../src/odoo/fault';
import { readServerTime, readSlot, saveDelivered } from '../../src/odoo/records';

let sandbox: Sandbox;
let odoo: OdooClient;
let ids: SubscriptionIds;
let metered: number;

beforeEach(async () => {
  sandbox = await startSandbox({ load: 'empty', now: new Date('2026-03-10T12:00:00.000Z') });
  const timeoutMs = { read: 5_000, page: 5_000, write: 300 };
  odoo = createOdooClient(sandbox, { callsInFlight: 2, log: pino({ level: 'silent' }), timeoutMs });
  ids = await addSubscription(sandbox.control, {
    startDate: '2026-03-01',
    nextInvoiceDate: '2026-04-01',
    lines: [{ code: 'CALLS', price: 0.25 }],
  });
  metered = ids.lineIds[0] ?? 0;
});
afterEach(async () => {
  await odoo.close();
  await sandbox.close();
});

async function faultOf(promise: Promise<unknown>): Promise<OdooFault> {
  return (await promise.then(
    () => undefined,
    (fault: unknown) => fault,
  )) as OdooFault;
}

it('a slot is read with its order in one call', async () => {
  expect(await readSlot(odoo, metered)).toEqual({
    lineOdooId: metered,
    deliveredQuantity: new Decimal(0),
    invoicedQuantity: new Decimal(0),
    toInvoiceQuantity: new Decimal(0),
    unitPrice: new Decimal('0.25'),
    discount: new Decimal(0),
    productOdooId: ids.productIds[0],
    orderOdooId: ids.orderId,
    orderState: 'sale',
    locked: false,
    subscriptionState: 'IN_PROGRESS',
    currencyOdooId: 1,
    nextInvoiceOn: '2026-04-01',
  });
  expect(await sandbox.control.calls()).toEqual({ 'sale.order.line/web_read': 1 });
});

it.each([
  ['1.005', '1.01'],
  ['1234.5678', '1234.57'],
  ['0.004', '0'],
  ['134.64', '134.64'],
])('a quantity of %s is stored, and read back, as %s', async (sent, stored) => {
  const slot = await saveDelivered(odoo, metered, new Decimal(sent));
  expect(slot.deliveredQuantity.toFixed()).toBe(stored);
  expect((await readSlot(odoo, metered))?.deliveredQuantity.toFixed()).toBe(stored);
  expect((await sandbox.control.writes()).map(({ method, ids: written, vals }) => ({ method, written, vals }))).toEqual(
    [{ method: 'web_save', written: [metered], vals: { qty_delivered: Number(sent) } }],
  );
});

it('a line that is gone reads as null and cannot be written', async () => {
  expect(await readSlot(odoo, 999_999)).toBeNull();
  const fault = await faultOf(saveDelivered(odoo, 999_999, new Decimal(1)));
  expect(fault).toMatchObject({ kind: 'missing', outcome: 'rejected', odooName: 'odoo.exceptions.MissingError' });
});

it('a write that commits without an answer is unknown, and reading back settles it', async () => {
  await sandbox.control.addFault({ fault: 'timeout-commits' });
  const fault = await faultOf(saveDelivered(odoo, metered, new Decimal('12.5')));
  expect(fault).toMatchObject({ kind: 'retryable', outcome: 'unknown' });
  expect((await readSlot(odoo, metered))?.deliveredQuantity.toFixed()).toBe('12.5');
});

it.each([
  ['reset-before', '0'],
  ['reset-after', '3'],
] as const)('a connection cut (%s) leaves the outcome unknown', async (fault, stored) => {
  await sandbox.control.addFault({ fault });
  expect(await faultOf(saveDelivered(odoo, metered, new Decimal(3)))).toMatchObject({ outcome: 'unknown' });
  expect((await readSlot(odoo, metered))?.deliveredQuantity.toFixed()).toBe(stored);
});

it('a write that lost against concurrent updates was rolled back and may come again', async () => {
  await sandbox.control.addFault({ fault: 'serialization' });
  const fault = await faultOf(saveDelivered(odoo, metered, new Decimal(3)));
  expect(fault).toMatchObject({ kind: 'retryable', outcome: 'rejected', serverTrouble: false });
  expect((await readSlot(odoo, metered))?.deliveredQuantity.toFixed()).toBe('0');
});

it('a wrong key is told from an outage', async () => {
  await sandbox.control.addFault({ fault: 'unauthorized' });
  expect(await faultOf(readServerTime(odoo))).toMatchObject({ kind: 'unauthenticated', status: 401 });
});

it("Odoo's clock is read to the second", async () => {
  await sandbox.control.setNow(new Date('2026-05-06T07:08:09.900Z'));
  expect(await readServerTime(odoo)).toEqual(new Date('2026-05-06T07:08:09.000Z'));
});
