/**
 * What to do with one intent, given the slot as it stands in Odoo at this moment, and what to make of what was read back.
 * Pure: the intent and a reading in, a decision out. The slot may have been changed, billed or moved on since the plan.
 */
import type { Decimal } from './decimal';
import type { WriteKind } from './slot';

export interface WriteIntent {
  kind: WriteKind;
  target: Decimal;
  mode: 'QUANTITY' | 'AMOUNT';
  /** The end of the period the quantity is for: Odoo's next invoice date while the slot is the period's. */
  periodEndOn: string | null;
}

/** The parts of a reading that decide. */
export interface SlotView {
  deliveredQuantity: Decimal;
  unitPrice: Decimal;
  discount: Decimal;
  orderState: string;
  nextInvoiceOn: string | null;
}

export type WriteBlock = 'ORDER_CANCELLED' | 'PRICE_NOT_ONE' | 'READ_BACK_DIFFERS';

export type Decision =
  /** The slot holds the target: nothing to send. */
  | { kind: 'DONE' }
  | { kind: 'WRITE' }
  /** The slot is another period's by now: it must be empty, and what is due stays in the balance. */
  | { kind: 'MOVED_ON'; restore: boolean }
  | { kind: 'BLOCK'; reason: WriteBlock; restore: boolean };

/** Before the write: whether the slot is still the intent's, and whether anything is to be sent. */
export function decideWrite(intent: WriteIntent, slot: SlotView): Decision {
  if (slot.orderState === 'cancel') return { kind: 'BLOCK', reason: 'ORDER_CANCELLED', restore: false };
  const stands = judge(intent, slot);
  if (stands !== null) return stands;
  return slot.deliveredQuantity.eq(intent.target) ? { kind: 'DONE' } : { kind: 'WRITE' };
}

/** After the write: whether Odoo keeps what was wanted, for the period it was wanted for. */
export function judgeReadBack(intent: WriteIntent, slot: SlotView): Exclude<Decision, { kind: 'WRITE' }> {
  const stands = judge(intent, slot);
  if (stands !== null) return stands;
  if (slot.deliveredQuantity.eq(intent.target)) return { kind: 'DONE' };
  return { kind: 'BLOCK', reason: 'READ_BACK_DIFFERS', restore: !slot.deliveredQuantity.isZero() };
}

function judge(intent: WriteIntent, slot: SlotView): Exclude<Decision, { kind: 'WRITE' | 'DONE' }> | null {
  // Zero is right at any price and for any period.
  if (intent.kind === 'EMPTY') return null;
  const restore = !slot.deliveredQuantity.isZero();
  if (slot.nextInvoiceOn !== intent.periodEndOn) return { kind: 'MOVED_ON', restore };
  const costsOne = slot.unitPrice.eq(1) && slot.discount.isZero();
  return intent.mode === 'AMOUNT' && !costsOne ? { kind: 'BLOCK', reason: 'PRICE_NOT_ONE', restore } : null;
}
