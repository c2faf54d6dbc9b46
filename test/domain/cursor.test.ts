import { type CursorType, readCursor, writeCursor } from '../../src/domain/cursor';

const ID = '01a206a6-112e-75d3-bb82-71341492302b';

function read(value: unknown, type: CursorType): () => string[] {
  return () => readCursor(Buffer.from(JSON.stringify(value)).toString('base64url'), [type]);
}

it('gives back what was written, in order', () => {
  const values = ['2026-03-09 00:00:00.000001+00', '9999-12-31', '-42', 'ümläut "quoted"', ID];
  expect(readCursor(writeCursor(values), ['timestamptz', 'date', 'bigint', 'text', 'uuid'])).toEqual(values);
});

describe('a value that the database could not read is refused', () => {
  test.each<[CursorType, string]>([
    ['timestamptz', '999999-01-01 00:00:00+00'],
    ['timestamptz', '10000-01-01 00:00:00+00'],
    ['timestamptz', '0000-01-01 00:00:00+00'],
    ['timestamptz', '2026-13-01 00:00:00+00'],
    ['timestamptz', '2026-02-29 00:00:00+00'],
    ['timestamptz', '2026-03-09 24:00:00+00'],
    ['timestamptz', '2026-03-09 00:60:00+00'],
    ['timestamptz', '2026-03-09 00:00:00+99'],
    ['timestamptz', '2026-03-09'],
    ['timestamptz', 'infinity'],
    ['date', '2026-02-30'],
    ['date', '0000-01-01'],
    ['date', '999999-12-31'],
    ['bigint', '9999999999999999999'],
    ['bigint', '1.5'],
    ['uuid', 'page two'],
    ['text', 'a\0b'],
  ])('%s %s', (type, value) => {
    expect(read([value], type)).toThrow(
      expect.objectContaining({ code: 'VALIDATION_FAILED', details: expect.objectContaining({ field: 'after' }) }),
    );
  });
});

describe('what is no cursor of the list is refused', () => {
  test.each([
    ['too few values', []],
    ['too many values', [ID, ID]],
    ['no list', ID],
    ['no texts', [1]],
    ['nothing', null],
    ['too long', ['x'.repeat(2_000)]],
  ])('%s', (_what, value) => {
    expect(read(value, 'text')).toThrow('after is no cursor of this list.');
  });

  it('no JSON', () => {
    expect(() => readCursor('page two', ['text'])).toThrow('after is no cursor of this list.');
  });
});
