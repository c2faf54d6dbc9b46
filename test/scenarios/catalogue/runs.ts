/** Odoo's billing run comes early, late, or not at all: what it misses is billed by the next one, and nothing twice. */
import { type Scenario, at, begin, clockAt, inOdoo, minute, used } from '../scenario';
import { MARCH } from './openings';

export const runBeforeTheEnd: Scenario = {
  name: "2: Odoo's run comes before the period's end: 90 by then are invoiced, 10 more in the next target, 0 in between",
  opening: { ...MARCH, timeZone: 'America/Toronto', runAt: '00:30' },
  steps: [
    ...begin(),
    used('2026-03-31T18:00:00Z', [{ quantity: 90, counted: '2026-03-15T12:00:00Z' }]),
    at('2026-03-31T18:29:00Z', async (story) => {
      expect(await story.slot()).toBe(0);
    }),
    at('2026-03-31T18:30:00Z', async (story) => {
      expect(await story.slot()).toBe(90);
    }),
    used('2026-03-31T23:30:00Z', [{ quantity: 10, counted: '2026-03-31T23:00:00Z' }]),
    minute('a minute after it', async (story) => {
      expect(await story.slot()).toBe(90);
    }),
    at('2026-04-01T00:31:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([90]);
      expect(await story.slot()).toBe(0);
      expect(await story.periods()).toMatchObject([{ endOn: '2026-04-01', state: 'OPEN' }]);
    }),
    at('2026-04-01T06:00:00Z', async (story) => {
      expect(await story.periods()).toMatchObject([
        { state: 'CLOSED', lines: [{ units: '100' }] },
        { endOn: '2026-05-01' },
      ]);
      expect(await story.slot()).toBe(0);
      expect(await story.balance()).toEqual({ truth: '100', billed: '90', due: '10', target: '10', remainder: '0' });
    }),
    used('2026-04-20T12:00:00Z', 5),
    at('2026-04-30T18:30:00Z', async (story) => {
      expect(await story.slot()).toBe(15);
    }),
    at('2026-05-01T00:31:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([90, 15]);
    }),
  ],
};

export const runBeforeAnyWrite: Scenario = {
  name: '3: the run comes before any write: nothing is invoiced, and the next period carries it',
  opening: MARCH,
  steps: [
    ...begin(),
    used('2026-03-20T10:00:00Z', 150),
    at('2026-04-01T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([]);
      expect(await story.invoiced(0)).toEqual([1]);
      expect(await story.periods()).toMatchObject([
        { state: 'CLOSED', lines: [{ units: '150' }] },
        { endOn: '2026-05-01' },
      ]);
      expect(await story.slot()).toBe(0);
      expect(await story.balance()).toMatchObject({ truth: '150', billed: '0', due: '150' });
    }),
    used('2026-04-10T10:00:00Z', 7),
    at('2026-05-01T02:00:00Z', async (story) => {
      expect(await story.slot()).toBe(157);
    }),
    at('2026-05-01T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([157]);
      expect(await story.balance()).toMatchObject({ due: '0' });
    }),
  ],
};

export const runSkipsAMonth: Scenario = {
  name: '4: the run skips the order for a month: the second month is not written before the first is invoiced',
  opening: MARCH,
  steps: [
    ...begin(),
    used('2026-03-20T10:00:00Z', 100),
    inOdoo('the runs leave the order out', (odoo, { orderId }) => odoo.skipRuns([orderId])),
    at('2026-04-01T02:00:00Z'),
    at('2026-04-01T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([]);
      expect(await story.slot()).toBe(100);
    }),
    used('2026-04-20T10:00:00Z', 40),
    at('2026-05-01T02:00:00Z', async (story) => {
      expect(await story.slot()).toBe(100);
      expect(await story.periods()).toMatchObject([
        { state: 'CLOSED', blocks: [] },
        { state: 'CLOSED', lines: [{ units: '40' }], blocks: [{ reason: 'PREVIOUS_NOT_INVOICED' }] },
        { state: 'OPEN' },
      ]);
    }),
    inOdoo('the runs take the order in again', (odoo) => odoo.clearSkips()),
    at('2026-05-01T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([100]);
      expect(await story.slot()).toBe(40);
      expect((await story.periods()).flatMap((period) => period.blocks)).toEqual([]);
    }),
    at('2026-05-02T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([100, 40]);
      expect(await story.balance()).toMatchObject({ truth: '140', billed: '140', due: '0' });
      expect(await story.slot()).toBe(0);
    }),
  ],
};

export const quantityIsKept: Scenario = {
  name: '5: where Odoo keeps the quantity, a missed write bills nothing twice: the slot holds 0, the month after bills both',
  opening: { ...MARCH, mode: 'keep' },
  steps: [
    ...begin(),
    used('2026-03-20T10:00:00Z', 100),
    at('2026-04-01T02:00:00Z'),
    clockAt('2026-04-01T12:01:00Z', async (story) => {
      expect(await story.slot()).toBe(100);
    }),
    minute('the invoice is seen', async (story) => {
      expect(await story.slot()).toBe(0);
    }),
    used('2026-04-20T10:00:00Z', 30),
    at('2026-05-01T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([100]);
      expect(await story.slot()).toBe(0);
    }),
    used('2026-05-20T10:00:00Z', 12),
    at('2026-06-01T02:00:00Z', async (story) => {
      expect(await story.slot()).toBe(42);
    }),
    at('2026-06-01T12:01:00Z', async (story) => {
      expect(await story.invoiced()).toEqual([100, 42]);
      expect(await story.balance()).toMatchObject({ truth: '142', billed: '142', due: '0' });
    }),
  ],
};
