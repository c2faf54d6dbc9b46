/** What people do: confirm a period that was derived, move a date in Odoo, void what was counted by mistake. */
import { keyOf } from '../../support/story';
import { type Scenario, at, begin, inOdoo, minute, used } from '../scenario';
import { MARCH } from './openings';

export const firstSeenRunning: Scenario = {
  name: '6: an order first seen running since January has one derived period, written once a person has confirmed it',
  opening: { now: '2026-03-10T08:00:00Z', startOn: '2026-01-01', nextInvoiceOn: '2026-04-01' },
  steps: [
    ...begin(),
    {
      name: 'usage of before and of now',
      act: async (story) => {
        await story.send({ quantity: 999, counted: '2026-02-27T10:00:00Z' });
        await story.send({ quantity: 8, counted: '2026-03-05T10:00:00Z' });
      },
      check: async (story) => {
        expect(await story.periods()).toMatchObject([{ startOn: '2026-03-01', endOn: '2026-04-01', derived: true }]);
      },
    },
    at('2026-04-01T02:00:00Z', async (story) => {
      const [first, second] = await story.periods();
      expect(first).toMatchObject({
        state: 'CLOSED',
        lines: [{ units: '8' }],
        blocks: [{ reason: 'PERIOD_UNCONFIRMED' }],
      });
      expect(second).toMatchObject({ startOn: '2026-04-01', derived: false });
      expect(await story.writes()).toEqual([]);
    }),
    { name: 'the period is confirmed', act: (story) => story.confirmPeriods() },
    minute('and written', async (story) => {
      expect(await story.slot()).toBe(8);
    }),
    at('2026-04-01T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([8]);
      const { records } = (await story.run('{ identities { records { accepted inPeriod beforeBilling } } }'))
        .identities;
      expect(records).toEqual([{ accepted: 2, inPeriod: 1, beforeBilling: 1 }]);
    }),
  ],
};

export const dateMovedBeforeTheEnd: Scenario = {
  name: '7: a next invoice date moved by hand before the end is no invoice: the end of the open period moves along',
  opening: MARCH,
  steps: [
    ...begin(),
    used('2026-03-20T10:00:00Z', 100),
    inOdoo('the date is moved', (odoo, { orderId }) =>
      odoo.update('sale.order', orderId, { next_invoice_date: '2026-04-15' }),
    ),
    minute('which is seen', async (story) => {
      expect(await story.periods()).toMatchObject([{ startOn: '2026-03-01', endOn: '2026-04-15', state: 'OPEN' }]);
    }),
    used('2026-04-10T10:00:00Z', 11),
    at('2026-04-15T02:00:00Z', async (story) => {
      expect(await story.slot()).toBe(111);
    }),
    at('2026-04-15T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([111]);
      expect(await story.periods()).toMatchObject([{}, { startOn: '2026-04-15', endOn: '2026-05-15' }]);
    }),
  ],
};

export const dateMovedAfterTheWrite: Scenario = {
  name: '7b: a next invoice date moved by hand after the write is no invoice: the slot keeps its period until one comes',
  opening: MARCH,
  steps: [
    ...begin(),
    used('2026-03-20T10:00:00Z', 100),
    at('2026-04-01T02:00:00Z', async (story) => {
      expect(await story.slot()).toBe(100);
    }),
    inOdoo('the date is moved', (odoo, { orderId }) =>
      odoo.update('sale.order', orderId, { next_invoice_date: '2026-04-10' }),
    ),
    at('2026-04-01T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([]);
      expect(await story.balance()).toMatchObject({ due: '100', billed: '0' });
    }),
    at('2026-04-10T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([100]);
      expect(await story.balance()).toMatchObject({ due: '0', billed: '100' });
      expect(await story.slot()).toBe(0);
    }),
  ],
};

const MISCOUNTED = { quantity: 100, counted: '2026-03-20T09:00:00Z' };

export const voidedAfterTheInvoice: Scenario = {
  name: "11: a void beyond the next month's usage gives target 0, the rest a month later, never a negative write",
  opening: MARCH,
  steps: [
    ...begin(),
    used('2026-03-20T10:00:00Z', [MISCOUNTED]),
    at('2026-04-01T02:00:00Z'),
    at('2026-04-01T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([100]);
    }),
    used('2026-04-20T10:00:00Z', 30),
    { name: 'the hundred are voided', act: (story) => story.void(keyOf(MISCOUNTED)) },
    at('2026-05-01T02:00:00Z', async (story) => {
      expect(await story.balance()).toEqual({ truth: '30', billed: '100', due: '-70', target: '0', remainder: '-70' });
      expect(await story.slot()).toBe(0);
      const [march] = await story.periods();
      expect(march?.lines).toMatchObject([{ revision: 2, value: '0', adjustments: [{ value: '-100' }] }]);
    }),
    at('2026-05-01T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([100]);
    }),
    used('2026-05-20T10:00:00Z', 90),
    at('2026-06-01T02:00:00Z', async (story) => {
      expect(await story.slot()).toBe(20);
    }),
    at('2026-06-01T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([100, 20]);
      expect((await story.writes()).every((value) => value >= 0)).toBe(true);
    }),
  ],
};
