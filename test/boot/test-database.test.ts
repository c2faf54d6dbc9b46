import { Client } from 'pg';
import { createTestDatabase, expectNoLeaks, type TestDatabase } from '../support/db';

describe('the database of a test file', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  test('is migrated and empty', async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query('select count(*) as records from usage_record');
    await client.end();
    expect(rows).toEqual([{ records: '0' }]);
  });

  test('a connection left open is told by its name', async () => {
    const client = new Client({ connectionString: database.url, application_name: 'forgotten' });
    await client.connect();
    await expect(expectNoLeaks(database.url)).rejects.toThrow('forgotten');
    await client.end();
    await expectNoLeaks(database.url);
  });

  test('two clones made at once do not see each other', async () => {
    const clones = await Promise.all([createTestDatabase(), createTestDatabase()]);
    const names = clones.map(({ url }) => new URL(url).pathname);
    await Promise.all(clones.map((clone) => clone.drop()));
    expect(new Set(names).size).toBe(2);
  });
});
