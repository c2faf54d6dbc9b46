import fc from 'fast-check';
import { Decimal } from '../../src/domain/decimal';
import {
  type BlockedSlot,
  type SlotPeriod,
  type SlotPlan,
  type SlotState,
  type WantedWrite,
  planBlockedSlot,
  planSlot,
} from '../../src/domain/slot';

const ENDS = ['2026-04-01', '2026-05-01', '2026-06-01'];
const TARGETS: Record<string, Decimal> = { march: new Decimal('12.5'), april: new Decimal('7'), may: new Decimal('0') };

function period(index: number, state: Partial<SlotPeriod> = {}): SlotPeriod {
  return {
    id: ['march', 'april', 'may'][index] ?? 'later',
    endOn: ENDS[index] ?? null,
    closed: false,
    settled: false,
    unconfirmed: false,
    provisionalDue: false,
    ...state,
  };
}

const SETTLED = { closed: true, settled: true };
const CLOSED = { closed: true };

function plan(states: Partial<SlotPeriod>[], slot: Partial<SlotState> = {}): SlotPlan {
  const periods = states.map((state, index) => period(index, state));
  const target = (periodId: string): Decimal => TARGETS[periodId] ?? new Decimal('-1');
  return planSlot({ periods, nextInvoiceOn: '2026-04-01', heldByDraft: false, target, ...slot });
}

/** "FINAL march 12.5" or null; then what holds, as "april PREVIOUS_NOT_INVOICED". */
function told({ write, blocks }: SlotPlan): [string | null, string[]] {
  return [toldWrite(write), blocks.map((block) => `${block.periodId} ${block.reason}`)];
}

function toldWrite(write: WantedWrite | null): string | null {
  return write === null ? null : `${write.kind} ${write.periodId} ${write.target.toFixed()}`;
}

it.each<[string, Partial<SlotPeriod>[], Partial<SlotState>, string | null, string[]]>([
  ['no billable period: nothing', [], {}, null, []],
  ['first sight: empty', [{}], {}, 'EMPTY march 0', []],
  ['first sight of a period without an end: empty', [{ endOn: null }], {}, 'EMPTY march 0', []],
  ['open, whatever the date: empty', [{}], { nextInvoiceOn: '2026-05-01' }, 'EMPTY march 0', []],
  ['the run can come before the close: provisional', [{ provisionalDue: true }], {}, 'PROVISIONAL march 12.5', []],
  ['closed: final', [CLOSED], {}, 'FINAL march 12.5', []],
  ['closed after a provisional write: final', [{ ...CLOSED, provisionalDue: true }], {}, 'FINAL march 12.5', []],
  ['closed, the next one open: final', [CLOSED, {}], {}, 'FINAL march 12.5', []],
  ['invoiced: empty for the next one at once', [SETTLED, {}], { nextInvoiceOn: '2026-05-01' }, 'EMPTY april 0', []],
  ['invoiced early: empty for the same one', [{ settled: true }], { nextInvoiceOn: '2026-05-01' }, 'EMPTY march 0', []],
  ['all invoiced: empty for the last one', [SETTLED, SETTLED], { nextInvoiceOn: '2026-06-01' }, 'EMPTY april 0', []],
  ['the next one closed: final', [SETTLED, CLOSED, {}], { nextInvoiceOn: '2026-05-01' }, 'FINAL april 7', []],
  [
    'the run of the next one can come first: provisional',
    [SETTLED, { provisionalDue: true }],
    { nextInvoiceOn: '2026-05-01' },
    'PROVISIONAL april 7',
    [],
  ],
  ['nothing due at the close: final 0', [SETTLED, SETTLED, CLOSED], { nextInvoiceOn: '2026-06-01' }, 'FINAL may 0', []],
  [
    'the date is past the end: nothing, until it is known invoiced',
    [CLOSED, {}],
    { nextInvoiceOn: '2026-05-01' },
    null,
    [],
  ],
  ['the date is not there yet: nothing', [SETTLED, CLOSED, {}], { nextInvoiceOn: '2026-04-01' }, null, []],
  ['Odoo names no date: nothing', [CLOSED, {}], { nextInvoiceOn: null }, null, []],
  [
    'a provisional quantity waits for the date too',
    [SETTLED, { provisionalDue: true }],
    { nextInvoiceOn: '2026-04-01' },
    null,
    [],
  ],
  [
    'the run skipped the order: the second month waits',
    [CLOSED, CLOSED, {}],
    {},
    'FINAL march 12.5',
    ['april PREVIOUS_NOT_INVOICED'],
  ],
  [
    'two months skipped: both wait',
    [CLOSED, CLOSED, CLOSED],
    {},
    'FINAL march 12.5',
    ['april PREVIOUS_NOT_INVOICED', 'may PREVIOUS_NOT_INVOICED'],
  ],
  [
    'an open month with its provisional quantity due waits in silence',
    [CLOSED, { provisionalDue: true }],
    {},
    'FINAL march 12.5',
    [],
  ],
  [
    'the first one not invoiced comes first, even if a later one is',
    [CLOSED, SETTLED, CLOSED],
    {},
    'FINAL march 12.5',
    ['may PREVIOUS_NOT_INVOICED'],
  ],
  ['a draft holds the final quantity', [CLOSED, {}], { heldByDraft: true }, null, ['march HELD_BY_DRAFT']],
  ['a draft holds the empty value', [SETTLED, {}], { heldByDraft: true }, null, ['april HELD_BY_DRAFT']],
  [
    'a draft holds, and what comes after waits',
    [CLOSED, CLOSED],
    { heldByDraft: true },
    null,
    ['april PREVIOUS_NOT_INVOICED', 'march HELD_BY_DRAFT'],
  ],
  [
    'a derived start is confirmed before the first write',
    [{ unconfirmed: true }],
    {},
    null,
    ['march PERIOD_UNCONFIRMED'],
  ],
  [
    'a derived start holds the final quantity, draft or not',
    [{ ...CLOSED, unconfirmed: true }, {}],
    { heldByDraft: true },
    null,
    ['march PERIOD_UNCONFIRMED'],
  ],
  [
    'a derived start that was invoiced holds what comes after it as well',
    [{ ...SETTLED, unconfirmed: true }, CLOSED, {}],
    { nextInvoiceOn: '2026-05-01' },
    null,
    ['march PERIOD_UNCONFIRMED'],
  ],
])('%s', (_, states, slot, write, blocks) => {
  expect(told(plan(states, slot))).toEqual([write, blocks]);
});

it('the target is asked for only when it is to be written', () => {
  const asked: string[] = [];
  const target = (periodId: string): Decimal => {
    asked.push(periodId);
    return new Decimal(1);
  };
  plan([{}], { target });
  plan([CLOSED], { target, heldByDraft: true });
  plan([CLOSED], { target, nextInvoiceOn: '2026-05-01' });
  expect(asked).toEqual([]);
  plan([SETTLED, CLOSED], { target, nextInvoiceOn: '2026-05-01' });
  expect(asked).toEqual(['april']);
});

it('a period is written only when all before it are settled, at its own date, and free of draft and doubt', () => {
  const flags = fc.record({
    closed: fc.boolean(),
    settled: fc.boolean(),
    unconfirmed: fc.boolean(),
    provisionalDue: fc.boolean(),
  });
  // Only the first period can be derived, and only the last one open.
  const states = fc.array(flags, { maxLength: 3 }).map((all) =>
    all.map((state, index) => ({
      ...state,
      unconfirmed: state.unconfirmed && index === 0,
      closed: state.closed || index < all.length - 1,
    })),
  );
  const date = fc.option(fc.constantFrom(...ENDS));
  fc.assert(
    fc.property(states, date, fc.boolean(), (all, nextInvoiceOn, heldByDraft) => {
      const { write, blocks } = plan(all, { nextInvoiceOn, heldByDraft });
      const held = new Set(blocks.map((block) => block.periodId));
      expect(held.size).toBe(blocks.length);
      if (write === null) return;
      const index = ['march', 'april', 'may'].indexOf(write.periodId);
      expect([held.has(write.periodId), heldByDraft, all[0]?.unconfirmed]).toEqual([false, false, false]);
      if (write.kind === 'EMPTY') return expect(write.target.isZero()).toBe(true);
      expect(all.slice(0, index).every((state) => state.settled)).toBe(true);
      expect([all[index]?.settled, nextInvoiceOn]).toEqual([false, ENDS[index]]);
      expect(write.target).toBe(TARGETS[write.periodId]);
    }),
    { numRuns: 1000 },
  );
});

describe('while the line is blocked', () => {
  it.each<[string, Partial<SlotPeriod>[], Partial<BlockedSlot>, string | null]>([
    ['without a billable period: nothing', [], {}, null],
    ['what we did not write gives way', [CLOSED, {}], {}, 'EMPTY march 0'],
    ['the quantity of the period whose turn it is stays', [CLOSED, {}], { holds: 'march' }, null],
    ['a provisional quantity stays too', [SETTLED, { provisionalDue: true }], { holds: 'april' }, null],
    ['worth something else it gives way', [CLOSED, {}], { holds: 'march', changesWorth: true }, 'EMPTY march 0'],
    ['that of the period before gives way', [SETTLED, CLOSED, {}], { holds: 'march' }, 'EMPTY april 0'],
    ['that of the period after gives way', [CLOSED, CLOSED, {}], { holds: 'april' }, 'EMPTY march 0'],
    ['what was billed gives way, all being invoiced', [SETTLED, SETTLED, SETTLED], { holds: 'may' }, 'EMPTY may 0'],
    ['a draft holds what there is', [CLOSED, {}], { heldByDraft: true }, null],
    ['a derived start holds what there is', [{ unconfirmed: true }], {}, null],
    ['a derived start that was invoiced as well', [{ ...SETTLED, unconfirmed: true }, CLOSED, {}], {}, null],
  ])('%s', (_, states, slot, write) => {
    const periods = states.map((state, index) => period(index, state));
    const wanted = planBlockedSlot({ periods, heldByDraft: false, holds: null, changesWorth: false, ...slot });
    expect(toldWrite(wanted)).toBe(write);
  });
});
