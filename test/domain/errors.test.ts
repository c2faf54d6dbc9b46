import fc from 'fast-check';
import {
  BillingError,
  ERROR_CATALOGUE,
  type ErrorCode,
  type ErrorKind,
  MAX_MESSAGE_LENGTH,
  asRefusal,
  clip,
  toProblem,
} from '../../src/domain/errors';

it.each<[ErrorCode, number, boolean]>([
  ['VALIDATION_FAILED', 422, false],
  ['NOT_FOUND', 404, false],
  ['CONFLICT', 409, false],
  ['IDEMPOTENCY_CONFLICT', 409, false],
  ['UNAUTHENTICATED', 401, false],
  ['FORBIDDEN', 403, false],
  ['LIMIT_EXCEEDED', 429, true],
  ['UPSTREAM_REJECTED', 422, false],
  ['UPSTREAM_UNAVAILABLE', 503, true],
  ['UNAVAILABLE', 503, true],
  ['INTERNAL', 500, true],
])('%s answers %i; trying the same again can help: %s', (code, status, retryable) => {
  expect(ERROR_CATALOGUE[code]).toMatchObject({ status, retryable });
  const details = code === 'LIMIT_EXCEEDED' ? { retryAfterMs: 1000 } : {};
  expect(new BillingError(code, 'What happened.', details).retryable).toBe(retryable);
});

it('a limit that no time lifts is not retryable', () => {
  expect(new BillingError('LIMIT_EXCEEDED', 'Too large.', { maximum: 10 }).retryable).toBe(false);
});

it('the catalogue holds eleven codes, each explained by a sentence or more', () => {
  const kinds: ErrorKind[] = Object.values(ERROR_CATALOGUE);
  expect(kinds).toHaveLength(11);
  for (const { meaning } of kinds) expect(meaning).toMatch(/^[A-Z].{20,}\.$/);
});

it('as data an error tells its field apart from the rest of its details', () => {
  const error = new BillingError('IDEMPOTENCY_CONFLICT', 'The key was used.', {
    field: 'quantity',
    stored: '5',
    sent: '6',
  });
  expect(toProblem(error)).toEqual({
    code: 'IDEMPOTENCY_CONFLICT',
    message: 'The key was used.',
    field: 'quantity',
    retryable: false,
    details: { stored: '5', sent: '6' },
  });
});

it.each([
  ['without details', {}, null],
  ['with a field only', { field: 'account' }, 'account'],
])('an error %s has null for details', (_, details, field) => {
  expect(toProblem(new BillingError('UNAVAILABLE', 'Later.', details))).toEqual({
    code: 'UNAVAILABLE',
    message: 'Later.',
    field,
    retryable: true,
    details: null,
  });
});

it('an error is an Error with a name and a stack', () => {
  const error = new BillingError('NOT_FOUND', 'No such thing.');
  expect(error).toBeInstanceOf(Error);
  expect([error.name, error.message]).toEqual(['BillingError', 'No such thing.']);
  expect(error.stack).toContain('errors.test');
});

describe('what was caught', () => {
  it('is a value when it is a refusal, also that of a promise', async () => {
    const refusal = new BillingError('NOT_FOUND', 'No such thing.');
    expect(asRefusal(refusal)).toBe(refusal);
    await expect(Promise.reject<string>(refusal).catch(asRefusal)).resolves.toBe(refusal);
  });

  it('is thrown on when it is a mistake of ours', () => {
    const mistake = new TypeError('undefined is not a function');
    expect(() => asRefusal(mistake)).toThrow(mistake);
  });
});

describe('a text too long', () => {
  it.each([
    ['short', 5, 'short'],
    ['longer', 5, 'long…'],
    ['', 5, ''],
    // An emoji is two characters of a string: half of one is no text, and PostgreSQL refuses it in JSON.
    ['abc😀def', 5, 'abc…'],
    ['abc😀', 5, 'abc😀'],
    ['ab😀def', 5, 'ab😀…'],
  ])('%j clipped to %i is %j', (text, length, clipped) => {
    expect(clip(text, length)).toBe(clipped);
  });

  it('is cut to 300 characters in every error, whatever it was', () => {
    const piece = fc.constantFrom('a', 'é', '😀', 'a'.repeat(99), '😀'.repeat(50));
    const text = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, (message) => {
        const clipped = new BillingError('INTERNAL', message).message;
        expect(clipped.length).toBeLessThanOrEqual(MAX_MESSAGE_LENGTH);
        if (message.length <= 300) expect(clipped).toBe(message);
        else expect([message.startsWith(clipped.slice(0, -1)), clipped.endsWith('…')]).toEqual([true, true]);
        expect(Buffer.from(clipped).toString()).toBe(clipped);
      }),
    );
  });
});
