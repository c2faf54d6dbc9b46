import { Decimal } from '../../src/domain/decimal';
import { removalRefusal, type SeriesRecord, seriesRefusal } from '../../src/domain/series';

type Given = Partial<Pick<SeriesRecord, 'reset'>> & { opening?: string };

/** A record of an hour of the day, "9", or of several, "9-12"; an instant is "9!". */
function record(hours: string, quantity: string, { reset = false, opening }: Given = {}): SeriesRecord {
  const isInstant = hours.endsWith('!');
  const [from = 0, to = from + (isInstant ? 0 : 1)] = hours.replace('!', '').split('-').map(Number);
  const hour = (number: number): Date => new Date(Date.UTC(2026, 2, 10, number));
  return {
    windowStart: hour(from),
    windowEnd: hour(to),
    quantity: new Decimal(quantity),
    opening: opening === undefined ? null : new Decimal(opening),
    reset,
    idempotencyKey: `${hours}=${quantity}`,
  };
}

describe('a reading', () => {
  const others = [record('9', '100'), record('12', '200'), record('14', '5', { reset: true })];

  it.each<[string, SeriesRecord, string | null]>([
    ['between two others', record('10', '150'), null],
    ['as high as the one before', record('10', '100'), null],
    ['as high as the one after', record('10', '200'), null],
    ['below the one before', record('10', '99'), 'quantity'],
    ['above the one after', record('10', '201'), 'quantity'],
    ['below the one before, with a reset, above what follows', record('10', '250', { reset: true }), 'quantity'],
    ['below the one before, with a reset', record('10', '7', { reset: true }), null],
    ['before a reset, however high', record('13', '999'), null],
    ['after the last, lower', record('15', '4'), 'quantity'],
    ['after the last, higher', record('15', '6'), null],
    ['of the same instant as another, lower', record('9', '99'), 'quantity'],
    ['of the same instant as another, higher', record('9', '101'), null],
    ['before the first', record('3', '50'), null],
    ['before the first, higher', record('3', '101'), 'quantity'],
    ['with an opening where one stands before', record('10', '150', { opening: '90' }), 'opening'],
    ['with an opening and a reset', record('10', '150', { opening: '90', reset: true }), null],
    ['first with an opening', record('3', '50', { opening: '40' }), null],
    ['below its own opening', record('3', '50', { opening: '51' }), 'quantity'],
    ['after a reset below its own opening', record('10', '5', { opening: '6', reset: true }), 'quantity'],
  ])('%s', (_, reading, field) => {
    expect(seriesRefusal('CUMULATIVE', reading, others)?.details.field ?? null).toBe(field);
  });

  it('is refused with the reading it does not fit', () => {
    expect(seriesRefusal('CUMULATIVE', record('10', '99'), others)).toMatchObject({
      code: 'CONFLICT',
      message: 'The meter read 100 before: 99 is less. Send reset if it began anew.',
      details: {
        field: 'quantity',
        before: {
          idempotencyKey: '9=100',
          windowStart: '2026-03-10T09:00:00.000Z',
          windowEnd: '2026-03-10T10:00:00.000Z',
          quantity: '100',
        },
      },
    });
    expect(seriesRefusal('CUMULATIVE', record('10', '201'), others)).toMatchObject({
      message: 'The meter read 200 later: 201 is more.',
      details: { after: { idempotencyKey: '12=200' } },
    });
  });

  it('before one that declares an opening needs its own', () => {
    const opened = [record('9', '100', { opening: '80' })];
    expect(seriesRefusal('CUMULATIVE', record('8', '90'), opened)).toMatchObject({
      code: 'CONFLICT',
      message: 'The series begins with an opening of 80: a reading before it needs its own.',
      details: { field: 'opening', after: { idempotencyKey: '9=100' } },
    });
    expect(seriesRefusal('CUMULATIVE', record('8', '90', { opening: '80' }), opened)).toBeNull();
    const anew = [record('9', '100', { opening: '80', reset: true })];
    expect(seriesRefusal('CUMULATIVE', record('8', '90'), anew)).toBeNull();
  });

  it('is taken out unless what follows would fall', () => {
    const [first, second, anew] = others as [SeriesRecord, SeriesRecord, SeriesRecord];
    expect(removalRefusal(second, [first, anew])).toBeNull();
    expect(removalRefusal(first, [second, anew])).toBeNull();
    expect(removalRefusal(anew, [first, second])).toBeNull();
    expect(removalRefusal(anew, [first, second, record('15', '9')])).toMatchObject({
      code: 'CONFLICT',
      message: 'Without the reading the meter would fall from 200 to 9.',
      details: { field: 'voids', before: { quantity: '200' }, after: { quantity: '9' } },
    });
    expect(removalRefusal(anew, [first, second, record('15', '200')])).toBeNull();
  });
});

describe('a window that is told whole', () => {
  const others = [record('9-12', '1'), record('14', '1'), record('20!', '1')];

  it.each([
    ['the same again', '9-12', true],
    ['inside another', '10', false],
    ['around another', '13-16', false],
    ['over the end of another', '11-13', false],
    ['over the beginning of another', '8-10', false],
    ['next to another', '12-14', true],
    ['an instant in another', '10!', false],
    ['the first instant of another', '9!', false],
    ['the end of another', '12!', true],
    ['the same instant', '20!', true],
    ['begins with an instant', '20', false],
    ['ends with an instant', '19', true],
    ['around an instant', '19-22', false],
  ])('%s: %s', (_, hours, fits) => {
    const refusal = seriesRefusal('WINDOW_TOTAL', record(hours, '5'), others);
    expect(refusal === null).toBe(fits);
    if (refusal !== null) expect(refusal).toMatchObject({ code: 'CONFLICT', details: { field: 'windowStart' } });
  });

  it('is refused with the one it overlaps', () => {
    expect(seriesRefusal('WINDOW_TOTAL', record('10', '5'), others)).toMatchObject({
      message: 'The window overlaps another one of the series, 2026-03-10T09:00:00.000Z to 2026-03-10T12:00:00.000Z.',
      details: { other: { idempotencyKey: '9-12=1' } },
    });
  });
});

it('deltas fit everywhere', () => {
  expect(seriesRefusal('DELTA', record('9', '5'), [record('9-12', '9')])).toBeNull();
});
