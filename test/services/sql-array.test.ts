import { sqlArray } from '../../src/services/sql-array';
import { startTestApp, type TestApp } from '../support/app';

let test: TestApp;
beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
});
afterAll(() => test.close());

it('brings every text to PostgreSQL as it is', async () => {
  const values = [
    ...[
      'plain',
      '2026-03-01T00:00:00.000Z',
      '-1.5',
      '',
      ' ',
      ' both sides ',
      'a,b',
      '{',
      '}',
      '{a}',
      '"',
      String.raw`\\`,
    ],
    ...[
      String.raw`\"`,
      'null',
      'NULL',
      'Null',
      "it's",
      'tab\tand\nline',
      'ümläut',
      '漢字',
      '🙂',
      '$1',
      '%s',
      '\u00A0',
      null,
    ],
  ];
  const rows = await test.app.db.query<{ value: string | null }[]>('select value from unnest($1::text[]) value', [
    sqlArray(values),
  ]);
  expect(rows.map(({ value }) => value)).toEqual(values);
});

it('is nothing when all is null, which is null in each row beside others', async () => {
  expect(sqlArray([null, null])).toBeNull();
  expect(
    await test.app.db.query('select * from unnest($1::text[], $2::integer[]) as pairs(one, other)', [
      sqlArray(['a', 'b']),
      sqlArray([null, null]),
    ]),
  ).toEqual([
    { one: 'a', other: null },
    { one: 'b', other: null },
  ]);
});
