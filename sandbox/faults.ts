/** Faults that tests switch on: what goes wrong, how often, for which calls. */

export type FaultKind =
  /** The work is done (after `commitDelayMs`), no answer comes: the client gives up, or gets it after `delayMs`. */
  | 'timeout-commits'
  /** The connection is cut before, or after, the work is done. */
  | 'reset-before'
  | 'reset-after'
  /** The database is unavailable or not selected. */
  | 'html-404'
  /** Concurrent update, the server's own retries used up: nothing is done. */
  | 'serialization'
  /** The work and the answer come after `delayMs`. */
  | 'slow'
  /** Every connection is cut at once, until cleared. */
  | 'down'
  | 'unauthorized'
  /** Odoo refuses the call for good: a 422 with a user's error, nothing is done. */
  | 'refused'
  /** Odoo's billing run comes just before, or just after, the work of the call. */
  | 'billing-before'
  | 'billing-after';

export interface Fault {
  fault: FaultKind;
  /** How many calls it hits; one, if not given, and `down` until cleared. */
  times?: number;
  match?: { model?: string; method?: string };
  /** Matching calls that pass before the first is hit. */
  after?: number;
  delayMs?: number;
  commitDelayMs?: number;
}

interface Armed extends Fault {
  left: number;
  toPass: number;
}

export class Faults {
  private armed: Armed[] = [];

  add(fault: Fault): void {
    const left = fault.times ?? (fault.fault === 'down' ? Infinity : 1);
    this.armed.push({ ...fault, left, toPass: fault.after ?? 0 });
  }

  clear(): void {
    this.armed = [];
  }

  isDown(): boolean {
    return this.armed.some((fault) => fault.fault === 'down');
  }

  /** The fault that hits this call, if any; counts it. */
  take(model: string, method: string): Fault | undefined {
    const matching = this.armed.filter(
      (fault) => (fault.match?.model ?? model) === model && (fault.match?.method ?? method) === method,
    );
    const due = matching.filter((fault) => fault.toPass-- <= 0);
    const hit = due[0];
    if (hit && --hit.left <= 0) this.armed = this.armed.filter((fault) => fault !== hit);
    return hit;
  }
}
