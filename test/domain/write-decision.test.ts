import { Decimal } from '../../src/domain/decimal';
import {
  type Decision,
  type SlotView,
  type WriteIntent,
  decideWrite,
  judgeReadBack,
} from '../../src/domain/write-decision';

const FINAL: WriteIntent = { kind: 'FINAL', target: new Decimal('7.5'), mode: 'QUANTITY', periodEndOn: '2026-04-01' };
const PROVISIONAL: WriteIntent = { ...FINAL, kind: 'PROVISIONAL' };
const AMOUNT: WriteIntent = { ...FINAL, mode: 'AMOUNT' };
const EMPTY: WriteIntent = { ...FINAL, kind: 'EMPTY', target: new Decimal(0) };
const EMPTY_AMOUNT: WriteIntent = { ...EMPTY, mode: 'AMOUNT' };

function slot(deliveredQuantity: string, change: Partial<SlotView> = {}): SlotView {
  return {
    deliveredQuantity: new Decimal(deliveredQuantity),
    unitPrice: new Decimal(1),
    discount: new Decimal(0),
    orderState: 'sale',
    nextInvoiceOn: '2026-04-01',
    ...change,
  };
}

const WRITE: Decision = { kind: 'WRITE' };
const DONE: Decision = { kind: 'DONE' };
const movedOn = (restore: boolean): Decision => ({ kind: 'MOVED_ON', restore });
const priceNotOne = (restore: boolean): Decision => ({ kind: 'BLOCK', reason: 'PRICE_NOT_ONE', restore });
const differs = (restore: boolean): Decision => ({ kind: 'BLOCK', reason: 'READ_BACK_DIFFERS', restore });
const CANCELLED: Decision = { kind: 'BLOCK', reason: 'ORDER_CANCELLED', restore: false };

const LATER = { nextInvoiceOn: '2026-05-01' };
const DEARER = { unitPrice: new Decimal('2') };
const DISCOUNTED = { discount: new Decimal('10') };

describe('before a write', () => {
  it.each<[string, WriteIntent, SlotView, Decision]>([
    ['a slot that holds something else is written', FINAL, slot('0'), WRITE],
    ['a provisional quantity as well', PROVISIONAL, slot('0'), WRITE],
    ['a slot that holds the target is left alone', FINAL, slot('7.50'), DONE],
    ['an empty slot that is to be empty is left alone', EMPTY, slot('0'), DONE],
    ['a slot that is to be empty is written', EMPTY, slot('90'), WRITE],
    ['a slot is emptied whatever the date', EMPTY, slot('90', LATER), WRITE],
    ['a slot is emptied whatever the price', EMPTY_AMOUNT, slot('90', { ...DEARER, ...DISCOUNTED }), WRITE],
    ['a slot that is the next period’s by now keeps nothing', FINAL, slot('7.5', LATER), movedOn(true)],
    ['a slot that moved on empty is left alone', FINAL, slot('0', LATER), movedOn(false)],
    [
      'a date that moved back is another period’s too',
      PROVISIONAL,
      slot('3', { nextInvoiceOn: '2026-03-15' }),
      movedOn(true),
    ],
    ['an order without a date has no slot', FINAL, slot('0', { nextInvoiceOn: null }), movedOn(false)],
    ['an amount is written at a price of 1', AMOUNT, slot('0'), WRITE],
    ['an amount is not written at another price', AMOUNT, slot('0', DEARER), priceNotOne(false)],
    ['an amount is not written under a discount', AMOUNT, slot('0', DISCOUNTED), priceNotOne(false)],
    ['an amount at another price is taken back', AMOUNT, slot('7.5', DEARER), priceNotOne(true)],
    ['a quantity has any price', FINAL, slot('0', { ...DEARER, ...DISCOUNTED }), WRITE],
    ['a slot that moved on matters more than its price', AMOUNT, slot('7.5', { ...DEARER, ...LATER }), movedOn(true)],
    ['a cancelled order is not written', FINAL, slot('0', { orderState: 'cancel' }), CANCELLED],
    ['a cancelled order is not emptied', EMPTY, slot('9', { orderState: 'cancel' }), CANCELLED],
    ['a cancelled order matters more than its date', FINAL, slot('9', { orderState: 'cancel', ...LATER }), CANCELLED],
  ])('%s', (_, intent, seen, decision) => {
    expect(decideWrite(intent, seen)).toEqual(decision);
  });
});

describe('after a write', () => {
  it.each<[string, WriteIntent, SlotView, Decision]>([
    ['the target read back is done', FINAL, slot('7.5'), DONE],
    ['0 read back is done', EMPTY, slot('0'), DONE],
    ['an emptied slot is done whatever the date and the price', EMPTY_AMOUNT, slot('0', { ...DEARER, ...LATER }), DONE],
    ['another quantity is for a person, and taken back', FINAL, slot('7.51'), differs(true)],
    ['a quantity Odoo did not take is for a person', FINAL, slot('0'), differs(false)],
    ['a slot that does not become empty is for a person', EMPTY, slot('3'), differs(true)],
    ['a date that moved meanwhile takes the quantity back', FINAL, slot('7.5', LATER), movedOn(true)],
    ['a date that moved meanwhile over an empty slot is left alone', FINAL, slot('0', LATER), movedOn(false)],
    ['an amount at another price is taken back', AMOUNT, slot('7.5', DEARER), priceNotOne(true)],
    ['an amount under a discount is taken back', AMOUNT, slot('7.5', DISCOUNTED), priceNotOne(true)],
    ['an amount at a price of 1 is done', AMOUNT, slot('7.5', { unitPrice: new Decimal('1.00') }), DONE],
    ['an amount that differs at a price of 1 is for a person', AMOUNT, slot('7'), differs(true)],
  ])('%s', (_, intent, seen, decision) => {
    expect(judgeReadBack(intent, seen)).toEqual(decision);
  });
});
