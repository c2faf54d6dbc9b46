import fc from 'fast-check';
import { Decimal } from '../../src/domain/decimal';
import { OdooFault } from '../../src/odoo/fault';
import { decimalOf, numberOf, printDatetime } from '../../src/odoo/values';

it.each([
  [134.64000000000001, '134.64'],
  [339.32000000000005, '339.32'],
  [1234567.89, '1234567.89'],
  [0.031416, '0.031416'],
  [1e-7, '0.0000001'],
  [0, '0'],
  [-3, '-3'],
  [999999999999999, '999999999999999'],
])('%p of Odoo is %s', (sent, meant) => {
  expect(decimalOf(sent).toFixed()).toBe(meant);
});

it('a quantity that is sent and read back is the same', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 999_999_999_999_999n }),
      fc.integer({ min: 0, max: 12 }),
      (digits, places) => {
        const quantity = new Decimal(digits.toString()).div(new Decimal(10).pow(places));
        const onTheWire = JSON.parse(JSON.stringify(numberOf(quantity))) as number;
        expect(decimalOf(onTheWire).eq(quantity)).toBe(true);
      },
    ),
  );
});

it('a quantity no double holds is refused before it is sent', () => {
  expect(() => numberOf(new Decimal('12345678901234.56'))).toThrow(OdooFault);
  expect(numberOf(new Decimal('1234567890123.45'))).toBe(1234567890123.45);
});

it('an instant is sent in UTC with a space and whole seconds', () => {
  expect(printDatetime(new Date('2026-03-01T05:06:07.999Z'))).toBe('2026-03-01 05:06:07');
});
