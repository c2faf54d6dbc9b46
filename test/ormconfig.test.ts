import { startTestApp, type TestApp } from './support/app';

let test: TestApp;
beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
});
afterAll(() => test.close());

describe('a statement that names itself', () => {
  it('is planned once a connection, and answers as any other', async () => {
    await test.app.db.transaction(async (tx) => {
      for (const n of [1, 2, 3]) {
        expect(await tx.query('/* prepared: a_sum */ select $1::integer + 1 as sum', [n])).toEqual([{ sum: n + 1 }]);
      }
      expect(await tx.query("select name from pg_prepared_statements where name in ('a_sum', '')")).toEqual([
        { name: 'a_sum' },
      ]);
    });
  });

  it('fails as any other, and can be sent again', async () => {
    const quotient = '/* prepared: a_quotient */ select 1 / $1::integer as quotient';
    await test.app.db.transaction(async (tx) => {
      await tx.query('savepoint before');
      await expect(tx.query(quotient, [0])).rejects.toMatchObject({ driverError: { code: '22012' } });
      await tx.query('rollback to before');
      expect(await tx.query(quotient, [1])).toEqual([{ quotient: 1 }]);
    });
  });
});
