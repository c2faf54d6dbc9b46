/** Wrong content of a scalar is the refusal of its own item; only a wrong JSON kind refuses a whole batch. */
import { createApiKey } from '../../src/services/api-keys';
import { startTestApp, type TestApp } from '../support/app';
import { counter, seedUsageWorld } from '../support/usage-world';

const BATCH = `mutation Batch($input: RecordUsageBatchInput!) {
  recordUsageBatch(input: $input) { recordedCount rejections { index problem { code message field } } } }`;

let test: TestApp;
let key: string;

beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
  const { service } = await seedUsageWorld(test.app.db);
  ({ secret: key } = await createApiKey(test.ctx(), { service: service.code, name: 'k', scopes: ['usage:write'] }));
});
afterAll(() => test.close());

it('in a batch every wrong item is refused by itself, and the good one is recorded', async () => {
  const wrong: [string, unknown, string, string][] = [
    [
      'quantity',
      '1e3',
      'quantity',
      'quantity must be a decimal of at most 30 digits, 12 of them after the point, without an exponent, not "1e3".',
    ],
    [
      'windowEnd',
      'soon',
      'windowEnd',
      'windowEnd must be an instant with an offset, at most to the millisecond, like "2026-03-01T05:00:00.000Z", not "soon".',
    ],
    ['dimensions', { tags: ['a'] }, 'dimensions', 'The dimension "tags" must be text, a number or true or false.'],
    [
      'dimensions',
      { tags: { deep: { er: 1 } } },
      'dimensions',
      'The dimension "tags" must be text, a number or true or false.',
    ],
    ['dimensions', { tag: null }, 'dimensions', 'The dimension "tag" must be text, a number or true or false.'],
    [
      'dimensions',
      Object.fromEntries([...Array(21).keys()].map((n) => [`l${n}`, n])),
      'dimensions',
      'dimensions must be at most 20, not 21.',
    ],
    [
      'dimensions',
      { ['k'.repeat(101)]: 1 },
      'dimensions',
      `dimensions must be a text of 1 to 100 characters without control characters, not "${'k'.repeat(59)}…".`,
    ],
    [
      'dimensions',
      { '': 1 },
      'dimensions',
      'dimensions must be a text of 1 to 100 characters without control characters, not "".',
    ],
    [
      'dimensions',
      { tag: 'x'.repeat(201) },
      'dimensions',
      `dimensions must be a text of 1 to 200 characters without control characters, not "${'x'.repeat(59)}…".`,
    ],
  ];
  const records = wrong.map(([field, value], index) => counter({ idempotencyKey: `wrong-${index}`, [field]: value }));
  const { data, errors } = await test.gql(key, BATCH, { input: { records: [...records, counter()] } });
  expect(errors).toBeUndefined();
  expect(data.recordUsageBatch).toEqual({
    recordedCount: 1,
    rejections: wrong.map(([, , field, message], index) => ({
      index,
      problem: { code: 'VALIDATION_FAILED', message, field },
    })),
  });
});

it('written into the document, too', async () => {
  const { data, errors } = await test.gql(
    key,
    `mutation { recordUsage(input: { account: "acme", metric: "calls", windowStart: "2026-03-10T09:00:00Z",
       windowEnd: "2026-03-10T10:00:00Z", quantity: "1", idempotencyKey: "x", dimensions: { tags: ["a"] } }) { status } }`,
  );
  expect(data).toEqual({ recordUsage: null });
  expect(errors?.[0]?.extensions).toEqual({ code: 'VALIDATION_FAILED', retryable: false, field: 'dimensions' });
});

it.each<[string, unknown, string]>([
  ['dimensions', 'eu', 'Dimensions must be a JSON object.'],
  ['dimensions', ['eu'], 'Dimensions must be a JSON object.'],
  ['quantity', true, 'Decimal must be a string.'],
  ['windowEnd', 1_773_133_200, 'DateTime must be a string.'],
])('a %s of another JSON kind, %j, refuses the request', async (field, value, message) => {
  const { data, errors } = await test.gql(key, BATCH, { input: { records: [counter({ [field]: value })] } });
  expect(data).toBeUndefined();
  expect(errors).toEqual([
    {
      message: expect.stringContaining(message),
      locations: [{ line: 1, column: 16 }],
      extensions: { code: 'BAD_USER_INPUT', retryable: false },
    },
  ]);
});
