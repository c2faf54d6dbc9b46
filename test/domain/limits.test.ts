import { counted, LIMITS, tooMuch } from '../../src/domain/limits';

it.each([
  [0, '0'],
  [999, '999'],
  [1_000, '1,000'],
  [50_000, '50,000'],
  [1_234_567, '1,234,567'],
])('%i is told as %s', (value, text) => {
  expect(counted(value)).toBe(text);
});

it('a body of up to 5 MiB is read from a caller with a key, of 64 KiB from any other', () => {
  expect([LIMITS.bodyBytes, LIMITS.anonymousBodyBytes]).toEqual([5_242_880, 65_536]);
});

it('what asks for too much is told how much it is and may be, and that waiting does not help', () => {
  const refusal = tooMuch('The document has 12,000 tokens', { value: 12_000, maximum: 10_000 });
  expect(refusal).toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: 'The document has 12,000 tokens; at most 10,000 are taken.',
    retryable: false,
  });
  expect(refusal.details).toStrictEqual({ value: 12_000, maximum: 10_000 });
});

it('a value that is too large is named', () => {
  const refusal = tooMuch('The list has 101 items', { value: 101, maximum: 100 }, 'variables.ids');
  expect(refusal.details).toStrictEqual({ field: 'variables.ids', value: 101, maximum: 100 });
});
