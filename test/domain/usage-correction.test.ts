import { Decimal } from '../../src/domain/decimal';
import { BillingError } from '../../src/domain/errors';
import { correctionContentHash } from '../../src/domain/usage-content';
import { parseReplacement, parseVoid } from '../../src/domain/usage-correction';

const VOID = { idempotencyKey: 'v', voids: 'k', reason: 'sent twice' };
const REPLACEMENT = { idempotencyKey: 'r', replaces: 'k', quantity: '3', reason: 'counted wrong' };

it.each([
  ['idempotencyKey', { idempotencyKey: '' }],
  ['voids', { voids: 'k'.repeat(201) }],
  ['reason', { reason: '' }],
  ['reason', { reason: '   ' }],
  ['reason', { reason: 'r'.repeat(501) }],
  ['service', { service: '' }],
])('a void with a wrong %s is refused', (field, change) => {
  expect(parseVoid({ ...VOID, ...change })).toMatchObject({ code: 'VALIDATION_FAILED', details: { field } });
});

it.each([
  ['replaces', { replaces: '' }],
  ['quantity', { quantity: '1e3' }],
  ['quantity', { quantity: '' }],
  ['quantity', { quantity: '0.0000000000001' }],
  ['reason', { reason: ' ' }],
])('a replacement with a wrong %s is refused', (field, change) => {
  expect(parseReplacement({ ...REPLACEMENT, ...change })).toMatchObject({
    code: 'VALIDATION_FAILED',
    details: { field },
  });
});

it('a void names the record to take out, and has no quantity', () => {
  expect(parseVoid({ ...VOID, service: 'gateway' })).toEqual({
    service: 'gateway',
    idempotencyKey: 'v',
    target: 'k',
    reason: 'sent twice',
    quantity: null,
    contentHash: correctionContentHash({ target: 'k', reason: 'sent twice', quantity: null }),
  });
});

it('a replacement names the record to replace, and its quantity from now on', () => {
  expect(parseReplacement(REPLACEMENT)).toEqual({
    service: null,
    idempotencyKey: 'r',
    target: 'k',
    reason: 'counted wrong',
    quantity: new Decimal(3),
    contentHash: correctionContentHash({ target: 'k', reason: 'counted wrong', quantity: new Decimal(3) }),
  });
});

it('a reason of blanks is told to say why', () => {
  expect(parseVoid({ ...VOID, reason: ' \u00a0 ' })).toMatchObject({ message: 'reason must say why.' });
});

it('a reason of 500 characters is taken', () => {
  expect(parseVoid({ ...VOID, reason: 'r'.repeat(500) })).not.toBeInstanceOf(BillingError);
});

it('a quantity is compared as a number, and never with that of a void', () => {
  const hash = (quantity: string): unknown => {
    const draft = parseReplacement({ ...REPLACEMENT, quantity });
    return draft instanceof BillingError ? draft : draft.contentHash;
  };
  expect(hash('3.00')).toBe(hash('3'));
  expect(hash('3.1')).not.toBe(hash('3'));
  expect(parseVoid({ ...VOID, reason: REPLACEMENT.reason })).not.toMatchObject({ contentHash: hash('3') });
});
