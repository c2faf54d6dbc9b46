/**
 * What one subscription line's slot should hold now: Odoo gives us one mutable quantity a line, read at a moment we do not
 * control. Pure: the state of the line in, the wanted write or the block out. Whether a call is needed at all is decided by
 * reading the slot just before.
 */
import { type Decimal, ZERO } from './decimal';

export type WriteKind = 'EMPTY' | 'PROVISIONAL' | 'FINAL';

export interface SlotPeriod {
  id: string;
  endOn: string | null;
  closed: boolean;
  /** Odoo billed it, or moved its date over a slot that held nothing. */
  settled: boolean;
  /** Derived at first sight and not confirmed by a person. */
  unconfirmed: boolean;
  /** The provisional quantity is due: Odoo's run can come before the close. */
  provisionalDue: boolean;
}

export interface SlotState {
  /** Billable periods (biller ODOO) oldest first, the open one last. */
  periods: readonly SlotPeriod[];
  /** Odoo's next invoice date as mirrored. */
  nextInvoiceOn: string | null;
  /** A draft invoice holds the line. */
  heldByDraft: boolean;
  /** What is due for the slot of a period: asked only for the one that is to be written. */
  target: (periodId: string) => Decimal;
}

export type SlotBlockReason = 'PERIOD_UNCONFIRMED' | 'HELD_BY_DRAFT' | 'PREVIOUS_NOT_INVOICED';

export interface WantedWrite {
  kind: WriteKind;
  periodId: string;
  target: Decimal;
}

export interface SlotPlan {
  write: WantedWrite | null;
  blocks: { periodId: string; reason: SlotBlockReason }[];
}

const NOTHING: SlotPlan = { write: null, blocks: [] };

/** The one write the slot wants now, if any, and what holds the periods whose turn it is not. */
export function planSlot(state: SlotState): SlotPlan {
  const last = state.periods.at(-1);
  if (last === undefined) return NOTHING;
  const current = state.periods.find((period) => !period.settled);
  const waiting = state.periods.filter((period) => period.closed && !period.settled && period !== current);
  const blocks: SlotPlan['blocks'] = waiting.map((period) => ({
    periodId: period.id,
    reason: 'PREVIOUS_NOT_INVOICED',
  }));
  const subject = current ?? last;
  // What is due later includes what the derived period gave: nothing is written until a person has confirmed it.
  const unconfirmed = state.periods.find((period) => period.unconfirmed);
  if (unconfirmed !== undefined) return hold(blocks, unconfirmed.id, 'PERIOD_UNCONFIRMED');
  if (state.heldByDraft) return hold(blocks, subject.id, 'HELD_BY_DRAFT');
  if (current === undefined || (!current.closed && !current.provisionalDue)) {
    return { write: { kind: 'EMPTY', periodId: subject.id, target: ZERO }, blocks };
  }
  // The slot is billed at the next invoice date: it may hold a period only while that is the period's end.
  if (state.nextInvoiceOn !== current.endOn) return { write: null, blocks };
  const kind = current.closed ? 'FINAL' : 'PROVISIONAL';
  return { write: { kind, periodId: current.id, target: state.target(current.id) }, blocks };
}

export interface BlockedSlot {
  /** Billable periods, oldest first. */
  periods: readonly SlotPeriod[];
  heldByDraft: boolean;
  /** The period whose quantity the slot holds as we wrote it; null when it holds 0, or what we did not write. */
  holds: string | null;
  /** What stands in the way makes another amount of the quantity: another price or currency. */
  changesWorth: boolean;
}

/**
 * What a slot may hold while its line is blocked: Odoo does not wait. The quantity of the period whose turn it is may stay;
 * anything else gives way to 0, and what is due stays in the balance.
 */
export function planBlockedSlot(slot: BlockedSlot): WantedWrite | null {
  const subject = slot.periods.find((period) => !period.settled) ?? slot.periods.at(-1);
  if (subject === undefined || slot.heldByDraft || slot.periods.some((period) => period.unconfirmed)) return null;
  const mayStay = slot.holds === subject.id && !subject.settled && !slot.changesWorth;
  return mayStay ? null : { kind: 'EMPTY', periodId: subject.id, target: ZERO };
}

/** What a slot is to hold whose product another line carries: nothing, as soon as it may be written. */
export function planSpareSlot({ periods, heldByDraft }: Pick<SlotState, 'periods' | 'heldByDraft'>): SlotPlan {
  const subject = periods.find((period) => !period.settled) ?? periods.at(-1);
  if (subject === undefined) return NOTHING;
  const unconfirmed = periods.find((period) => period.unconfirmed);
  if (unconfirmed !== undefined) return hold([], unconfirmed.id, 'PERIOD_UNCONFIRMED');
  if (heldByDraft) return hold([], subject.id, 'HELD_BY_DRAFT');
  return { write: { kind: 'EMPTY', periodId: subject.id, target: ZERO }, blocks: [] };
}

function hold(blocks: SlotPlan['blocks'], periodId: string, reason: SlotBlockReason): SlotPlan {
  return { write: null, blocks: [...blocks, { periodId, reason }] };
}
