/** Months in which Odoo does what it should: what becomes of usage, from the record to the invoice. */
import { PLAIN_LINES } from '../../support/story';
import { type Scenario, at, begin, used } from '../scenario';
import { MARCH } from './openings';

export const plainMonth: Scenario = {
  name: '1: a plain month is written at the close, invoiced, and the slot is empty again',
  opening: MARCH,
  steps: [
    ...begin({}, async (story) => {
      expect(await story.periods()).toMatchObject([
        { startOn: '2026-03-01', endOn: '2026-04-01', state: 'OPEN', derived: false },
      ]);
    }),
    used('2026-03-20T10:00:00Z', [
      { quantity: 100, counted: '2026-03-10T09:00:00Z' },
      { quantity: '50.5', counted: '2026-03-20T09:00:00Z' },
    ]),
    at('2026-04-01T01:59:00Z', async (story) => {
      expect(await story.periods()).toHaveLength(1);
      expect(await story.slot()).toBe(0);
    }),
    at('2026-04-01T02:00:00Z', async (story) => {
      expect(await story.periods()).toMatchObject([
        { state: 'CLOSED', lines: [{ units: '150.5', value: '150.5', amount: '75.25' }], blocks: [] },
        { startOn: '2026-04-01', endOn: '2026-05-01', state: 'OPEN' },
      ]);
      expect(await story.slot()).toBe(150.5);
      expect(await story.balance()).toEqual({
        truth: '150.5',
        billed: '0',
        due: '150.5',
        target: '150.5',
        remainder: '0',
      });
    }),
    at('2026-04-01T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([150.5]);
      expect(await story.slot()).toBe(0);
      expect(await story.balance()).toEqual({
        truth: '150.5',
        billed: '150.5',
        due: '0',
        target: '0',
        remainder: '0',
      });
      expect(await story.nextInvoiceOn()).toBe('2026-05-01');
    }),
  ],
};

export const daysInToronto: Scenario = {
  name: '8: UTC days in Toronto count in the month of their last instant, the day on which the clocks change among them',
  opening: { ...MARCH, now: '2026-03-01T12:00:00Z', timeZone: 'America/Toronto' },
  steps: [
    ...begin(),
    used('2026-03-09T00:05:00Z', [
      { quantity: 1, counted: ['2026-02-28T00:00:00Z', '2026-03-01T00:00:00Z'] },
      { quantity: 1, counted: ['2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z'] },
      { quantity: 1, counted: ['2026-03-08T00:00:00Z', '2026-03-09T00:00:00Z'] },
    ]),
    used('2026-04-01T00:05:00Z', [{ quantity: 1, counted: ['2026-03-31T00:00:00Z', '2026-04-01T00:00:00Z'] }]),
    // Toronto's April begins at 04:00 in UTC.
    at('2026-04-01T05:59:00Z', async (story) => {
      expect(await story.periods()).toMatchObject([{ endOn: '2026-04-01', state: 'OPEN' }]);
    }),
    at('2026-04-01T06:00:00Z', async (story) => {
      expect(await story.periods()).toMatchObject([{ state: 'CLOSED', lines: [{ units: '3' }] }, { state: 'OPEN' }]);
      expect(await story.slot()).toBe(3);
    }),
    at('2026-04-01T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([3]);
    }),
    used('2026-04-02T00:05:00Z', [{ quantity: 1, counted: ['2026-04-01T00:00:00Z', '2026-04-02T00:00:00Z'] }]),
    at('2026-05-01T06:00:00Z', async (story) => {
      expect(await story.slot()).toBe(1);
    }),
    at('2026-05-01T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([3, 1]);
      const { usageRecords } = await story.run('{ usageRecords(filter: { late: true }) { nodes { idempotencyKey } } }');
      expect(usageRecords.nodes).toEqual([]);
      const { records } = (await story.run('{ identities { records { accepted inPeriod beforeBilling } } }'))
        .identities;
      expect(records).toEqual([{ accepted: 5, inPeriod: 4, beforeBilling: 1 }]);
    }),
  ],
};

export const twoChargesAndAShadow: Scenario = {
  name: '9: two charges on one product add up, and a SHADOW service on the same order is rated and never written',
  opening: { ...MARCH, lines: [...PLAIN_LINES, { code: 'SHADE', name: 'Shade', price: 3 }] },
  steps: [
    ...begin(),
    {
      name: 'another charge, another service',
      act: async (story) => {
        await story.metric('cloud', 'bytes');
        await story.charge({ metric: 'bytes', productOdooId: story.product(1), freeUnits: '5' });
        await story.service('shade', 'SHADOW');
        await story.metric('shade', 'hours');
        await story.charge({ service: 'shade', metric: 'hours', productOdooId: story.product(2) });
        await story.link('shade', 'acme');
        await story.minute();
      },
    },
    used('2026-03-20T10:00:00Z', [
      { quantity: 100, counted: '2026-03-20T09:00:00Z' },
      { quantity: 25, counted: '2026-03-20T09:00:00Z', metric: 'bytes' },
      { quantity: 77, counted: '2026-03-20T09:00:00Z', metric: 'hours', service: 'shade' },
    ]),
    at('2026-04-01T02:00:00Z', async (story) => {
      const [march] = await story.periods();
      const units = Object.fromEntries(march?.lines.map((line) => [line.charge.metric.code, line.value]) ?? []);
      expect(units).toEqual({ calls: '100', bytes: '20', hours: '77' });
      expect(await story.slot(1)).toBe(120);
      expect(await story.slot(2)).toBe(0);
    }),
    at('2026-04-01T12:01:00Z', async (story) => {
      expect(await story.invoiced(1)).toEqual([120]);
      expect(await story.invoiced(2)).toEqual([]);
      expect(await story.writes(2)).toEqual([]);
    }),
  ],
};

export const thousands: Scenario = {
  name: '10: 1,234 calls on "API calls (1k)" are written as 1.23, and 0.004 stay in the balance',
  opening: MARCH,
  steps: [
    ...begin({ unitsPerProductUnit: '1000' }),
    used('2026-03-20T10:00:00Z', 1234),
    at('2026-04-01T02:00:00Z', async (story) => {
      expect(await story.slot()).toBe(1.23);
    }),
    at('2026-04-01T12:01:00Z', async (story) => {
      expect(await story.balance()).toEqual({
        truth: '1.234',
        billed: '1.23',
        due: '0.004',
        target: '0',
        remainder: '0.004',
      });
    }),
    used('2026-04-20T10:00:00Z', 1001),
    at('2026-05-01T02:00:00Z', async (story) => {
      // 0.004 + 1.001 = 1.005: the half rounds away from zero, as Odoo does.
      expect(await story.slot()).toBe(1.01);
    }),
  ],
};

export const quantityIsMoney: Scenario = {
  name: '10b: in mode AMOUNT the quantity is the money, to the cent',
  opening: { ...MARCH, lines: [...PLAIN_LINES.slice(0, 1), { code: 'USD', name: 'Amount', price: 1 }] },
  steps: [
    ...begin({ mode: 'AMOUNT', unitPrice: '0.0125', freeUnits: '100' }),
    used('2026-03-20T10:00:00Z', 1234),
    at('2026-04-01T02:00:00Z', async (story) => {
      // (1234 - 100) x 0.0125 = 14.175
      expect((await story.periods())[0]?.lines).toMatchObject([{ units: '1234', value: '14.18', amount: '14.18' }]);
      expect(await story.slot()).toBe(14.18);
    }),
    at('2026-04-01T12:01:00Z', async (story) => {
      expect(await story.balance()).toMatchObject({ billed: '14.18', due: '0' });
    }),
  ],
};
