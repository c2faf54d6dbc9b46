import { BillingError } from '../../src/domain/errors';
import { parseDay, parseDecimal, parseInstant, parseReason, parseText } from '../../src/domain/parse';

function refusal(parse: () => unknown): BillingError {
  try {
    parse();
  } catch (error) {
    if (error instanceof BillingError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('parseDecimal', () => {
  it.each([
    ['0', '0'],
    ['1234.5', '1234.5'],
    ['-3', '-3'],
    ['+0.10', '0.1'],
    ['0007', '7'],
    ['999999999999999999.999999999999', '999999999999999999.999999999999'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['-123456789012345678.123456789012', '-123456789012345678.123456789012'],
  ])('reads %s exactly', (text, printed) => {
    expect(parseDecimal(text, 'quantity').toFixed()).toBe(printed);
  });

  it.each([
    '',
    ' ',
    '1 ',
    '.5',
    '5.',
    '1e3',
    '1E3',
    '0x10',
    'NaN',
    'Infinity',
    '-',
    '1,5',
    '1_000',
    '--1',
    '1.1234567890123',
    '1234567890123456789012345678901',
    '1234567890123456789.123456789012',
    '١',
  ])('refuses %j', (text) => {
    const error = refusal(() => parseDecimal(text, 'quantity'));
    expect(error).toMatchObject({ code: 'VALIDATION_FAILED', details: { field: 'quantity' } });
  });

  it('cuts what it echoes of a megabyte', () => {
    expect(refusal(() => parseDecimal('9'.repeat(1_000_000), 'quantity')).message.length).toBeLessThanOrEqual(300);
  });
});

describe('parseInstant', () => {
  it.each([
    ['2026-03-01T05:00:00Z', '2026-03-01T05:00:00.000Z'],
    ['2026-03-01T00:00:00-05:00', '2026-03-01T05:00:00.000Z'],
    ['2026-03-01t05:00:00.123z', '2026-03-01T05:00:00.123Z'],
    ['2026-03-01T05:00:00.1+00:00', '2026-03-01T05:00:00.100Z'],
    ['2024-02-29T23:59:59+14:00', '2024-02-29T09:59:59.000Z'],
    ['2026-03-01T23:58:59-23:59', '2026-03-02T23:57:59.000Z'],
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('reads %s', (text, printed) => {
    expect(parseInstant(text, 'windowStart').toISOString()).toBe(printed);
  });

  it.each([
    '',
    '2026-03-01',
    '2026-03-01T05:00:00',
    '2026-03-01T05:00Z',
    '2026-03-01 05:00:00Z',
    '2026-03-01T05:00:00.1234Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T05:60:00Z',
    '2026-03-01T05:00:60Z',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-03-01T00:00:00+24:00',
    ' 2026-03-01T05:00:00Z',
    '2026-03-01T05:00:00Z ',
    '2026-03-01T00:00:00+0500',
    '1969-12-31T23:59:59Z',
    '1970-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-01:00',
    '+012026-03-01T05:00:00Z',
    '1772341200000',
    'now',
  ])('refuses %j', (text) => {
    const error = refusal(() => parseInstant(text, 'windowStart'));
    expect(error).toMatchObject({ code: 'VALIDATION_FAILED', details: { field: 'windowStart' } });
  });
});

describe('parseDay', () => {
  it('takes days of the calendar from 1970 on', () => {
    expect(['1970-01-01', '2024-02-29', '9999-12-31'].map((day) => parseDay(day, 'day'))).toEqual([
      '1970-01-01',
      '2024-02-29',
      '9999-12-31',
    ]);
  });

  it.each([
    '',
    '2026-3-1',
    '2026-03',
    '2026-02-30',
    '2026-13-01',
    '1969-12-31',
    '2026-03-01T00:00:00Z',
    '20260301',
    ' 2026-03-01',
    '+012026-03',
    '-000001-03',
  ])('refuses %j', (text) => {
    expect(refusal(() => parseDay(text, 'day')).details.field).toBe('day');
  });
});

describe('parseText', () => {
  it('takes 1 to as many characters as are allowed', () => {
    expect(parseText('x', 'name', 3)).toBe('x');
    expect(parseText('Zoë', 'name', 3)).toBe('Zoë');
  });

  it.each(['', 'four', 'a\0', 'a\n', '\u0085'])('refuses %j', (text) => {
    expect(refusal(() => parseText(text, 'name', 3)).details.field).toBe('name');
  });
});

it.each<[string, () => unknown, string]>([
  [
    'a decimal',
    () => parseDecimal('1e3', 'quantity'),
    'quantity must be a decimal of at most 30 digits, 12 of them after the point, without an exponent, not "1e3".',
  ],
  [
    'an instant',
    () => parseInstant('2026-03-01', 'windowEnd'),
    'windowEnd must be an instant with an offset, at most to the millisecond, like "2026-03-01T05:00:00.000Z", not "2026-03-01".',
  ],
  ['a day', () => parseDay('1 March', 'startOn'), 'startOn must be a day like "2026-03-01", not "1 March".'],
  [
    'a text',
    () => parseText('', 'name', 200),
    'name must be a text of 1 to 200 characters without control characters, not "".',
  ],
])('who sends something else for %s is told what is wanted, and what came', (_, parse, message) => {
  expect(refusal(parse).message).toBe(message);
});

describe('parseReason', () => {
  it('leaves blanks around it out', () => {
    expect(parseReason('  sent twice \n')).toBe('sent twice');
    expect(parseReason('x'.repeat(500))).toHaveLength(500);
  });

  it.each([
    ['', 'reason must say why.'],
    [' \t\n', 'reason must say why.'],
    ['a\u0000b', 'reason must be a text of 1 to 500 characters without control characters, not "a\u0000b".'],
    [
      'x'.repeat(501),
      `reason must be a text of 1 to 500 characters without control characters, not "${'x'.repeat(59)}…".`,
    ],
  ])('refuses %j: %s', (text, message) => {
    expect(refusal(() => parseReason(text))).toMatchObject({
      code: 'VALIDATION_FAILED',
      message,
      details: { field: 'reason' },
    });
  });
});
