/** Which line of an order is the slot of a product, where several carry it: the one that a person pinned, while it is there. */
import type { EntityManager } from 'typeorm';
import type { ContractState, LineState } from './contract-state';
import { newestIntent } from './write-intents';

/** The only line of the product, or the pinned one; null without a line, and while nobody knows which it is. */
export function slotLine(state: ContractState, productId: string): LineState | null {
  const lines = state.lines.filter((line) => line.productId === productId);
  const pinned = lines.find((line) => line.id === state.linePins.get(productId));
  return pinned ?? (lines.length === 1 ? (lines[0] ?? null) : null);
}

/** The line whose price counts for the product: its slot's, or the first one's while nobody knows which that is. */
export function pricingLine(state: ContractState, productId: string): LineState | null {
  return slotLine(state, productId) ?? state.lines.find((line) => line.productId === productId) ?? null;
}

/** Whether another line is the product's slot: this one is to hold nothing. */
export function isSpare(state: ContractState, line: LineState): boolean {
  const slot = slotLine(state, line.productId);
  return slot !== null && slot.id !== line.id;
}

/** The lines that are to hold nothing first: what is due may go to a slot only when they do. */
export function sparesFirst(state: ContractState): LineState[] {
  const spares = state.lines.filter((line) => isSpare(state, line));
  return [...spares, ...state.lines.filter((line) => !spares.includes(line))];
}

/**
 * Whether what is due on the line's product might be billed on another line as well: none is pinned, or one of the others is
 * not known to hold nothing. A quantity that somebody else put there counts too, for Odoo would bill it.
 */
export async function isAmbiguous(tx: EntityManager, state: ContractState, line: LineState): Promise<boolean> {
  if (slotLine(state, line.productId)?.id !== line.id) return true;
  for (const other of state.lines) {
    if (other.productId === line.productId && other.id !== line.id && !(await isEmptied(tx, other))) return true;
  }
  return false;
}

/** Our last word to the slot was 0, Odoo has answered so, and nobody has changed it since. */
async function isEmptied(tx: EntityManager, line: LineState): Promise<boolean> {
  const newest = await newestIntent(tx, line.id);
  return newest?.kind === 'EMPTY' && newest.state === 'WRITTEN' && line.deliveredQuantity.isZero();
}
