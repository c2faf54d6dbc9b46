import fc from 'fast-check';
import { Decimal } from '../../src/domain/decimal';
import {
  contentConflict,
  correctionContentHash,
  type UsageContent,
  usageContentHash,
} from '../../src/domain/usage-content';

const CONTENT: UsageContent = {
  account: 'acme',
  subscriptionId: null,
  metric: 'calls',
  windowStart: new Date('2026-03-10T09:00:00Z'),
  windowEnd: new Date('2026-03-10T10:00:00Z'),
  quantity: new Decimal('10'),
  dimensions: { region: 'eu', tier: '1' },
  meter: 'm1',
  events: null,
  revision: null,
  opening: null,
  reset: null,
  operation: null,
};

describe('the content hash', () => {
  it('is the SHA-256 of a form that never changes', () => {
    // Worked out apart from the code: printf of the form below, piped into sha256sum.
    // ["USAGE","acme",null,"calls","2026-03-10T09:00:00.000Z","2026-03-10T10:00:00.000Z","10",[["region","eu"],["tier","1"]],"m1"]
    expect(usageContentHash(CONTENT)).toBe('83bc3807015ac339ba1eff2f20d581ed4931697dc3794a3c606e4a6ea3e5e49d');
    // ["VOID","a-key","sent twice"]
    expect(correctionContentHash({ target: 'a-key', reason: 'sent twice', quantity: null })).toBe(
      'e42ddd554b51a3bab148457c2ed6d5975dc162d553e13d91fe41a585b65675fc',
    );
    // ["REPLACEMENT","a-key","3","counted wrong"]
    const quantity = new Decimal('3.0');
    expect(correctionContentHash({ target: 'a-key', reason: 'counted wrong', quantity })).toBe(
      '1527a0d02930e28a05efb161003ee4dfe29d33d992b5a0dd3628e79587cb1315',
    );
  });

  it('names fields that came later, and only where they are given', () => {
    // As above, with ["events","3"],["operation","ADD"] at the end.
    expect(usageContentHash({ ...CONTENT, events: 3, operation: 'ADD' })).toBe(
      '9c1e9c77b5fb1ac0431623fff9a52f768e75c0a67ed9bd542471023de9acdabd',
    );
  });

  it.each([
    ['the quantity as a number', { quantity: new Decimal('10.000') }],
    ['dimensions in any order', { dimensions: { tier: '1', region: 'eu' } }],
    ['an instant, not its notation', { windowStart: new Date('2026-03-10T10:00:00+01:00') }],
  ])('takes %s', (_, change) => {
    expect(usageContentHash({ ...CONTENT, ...change })).toBe(usageContentHash(CONTENT));
  });

  it('differs exactly where a field conflicts', () => {
    const content = fc.record({
      account: fc.constantFrom(null, 'a', 'b'),
      subscriptionId: fc.constantFrom(null, 's'),
      metric: fc.constantFrom('m', 'n'),
      windowStart: fc.constantFrom(CONTENT.windowStart, new Date(0)),
      windowEnd: fc.constantFrom(CONTENT.windowEnd, new Date(1)),
      quantity: fc.constantFrom('1', '1.0', '2').map((text) => new Decimal(text)),
      dimensions: fc.constantFrom(null, { 2: 'x', 1: 'y' }, { 1: 'y', 2: 'x' }, { 1: 'x', 2: 'y' }),
      meter: fc.constantFrom(null, 'null', ''),
      events: fc.constantFrom(null, 0, 1, 10),
      revision: fc.constantFrom(null, 0, 1, 10),
      opening: fc.constantFrom(null, '0', '1', '1.0').map((text) => (text === null ? null : new Decimal(text))),
      reset: fc.constantFrom(null, true as const),
      operation: fc.constantFrom(null, 'ADD' as const, 'REMOVE' as const),
    });
    fc.assert(
      fc.property(content, content, (one, other) => {
        expect(contentConflict(one, other) === null).toBe(usageContentHash(one) === usageContentHash(other));
      }),
    );
  });
});

describe('a conflict', () => {
  it.each([
    ['account', { account: 'other' }, 'acme', 'other'],
    ['subscriptionId', { subscriptionId: 'a-subscription' }, null, 'a-subscription'],
    ['metric', { metric: 'storage' }, 'calls', 'storage'],
    ['windowStart', { windowStart: new Date(0) }, '2026-03-10T09:00:00.000Z', '1970-01-01T00:00:00.000Z'],
    ['windowEnd', { windowEnd: new Date(0) }, '2026-03-10T10:00:00.000Z', '1970-01-01T00:00:00.000Z'],
    ['quantity', { quantity: new Decimal('10.5') }, '10', '10.5'],
    ['dimensions', { dimensions: { region: 'us' } }, { region: 'eu', tier: '1' }, { region: 'us' }],
    ['events', { events: 3 }, null, '3'],
    ['meter', { meter: null }, 'm1', null],
    ['revision', { revision: 0 }, null, '0'],
    ['opening', { opening: new Decimal('1.50') }, null, '1.5'],
    ['reset', { reset: true as const }, null, 'true'],
    ['operation', { operation: 'REMOVE' as const }, null, 'REMOVE'],
  ])('names the field %s and both values, and the hash is another', (field, change, recorded, sent) => {
    expect(contentConflict(CONTENT, { ...CONTENT, ...change })).toEqual({ field, recorded, sent });
    expect(usageContentHash({ ...CONTENT, ...change })).not.toBe(usageContentHash(CONTENT));
  });
});
