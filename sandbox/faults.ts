/** Faults that tests switch on: what goes wrong, how often, for which calls. */

export type FaultKind =
  /** The work is done (after `commitDelayMs`), no answer comes: the client gives up, or gets it after `delayMs`. */
  | 'timeout-commits'
  /** The connection is cut before, or after, the work is done. */
  | 'reset-before'
  | 'reset-after'
  /** The database is unavailable or not selected. */
  | 'html-404'
  /** No connection to the database is free. */
  | 'html-500'
  /** Concurrent update, the server's own retries used up: nothing is done. */
  | 'serialization'
  /** The work and the answer come after `delayMs`. */
  | 'slow'
  /** Every connection is cut at once, until cleared. */
  | 'down'
  /** Odoo itself stands still: as `down`, and its billing runs wait. What it missed is made up for at once when cleared. */
  | 'off'
  | 'unauthorized'
  /** Odoo refuses the call for good: a 422 with a user's error, nothing is done. */
  | 'refused'
  /** Odoo's billing run comes just before, or just after, the work of the call. */
  | 'billing-before'
  | 'billing-after';

export interface Fault {
  fault: FaultKind;
  /** How many calls it hits; one, if not given, and `down` and `off` until cleared. */
  times?: number;
  match?: { model?: string; method?: string };
  /** Matching calls that pass before the first is hit. */
  after?: number;
  delayMs?: number;
  commitDelayMs?: number;
}

/** A fault that waits for its calls. */
export interface ArmedFault extends Fault {
  /** Null: until cleared. */
  left: number | null;
  toPass: number;
}

export class Faults {
  private armed: ArmedFault[] = [];
  /** Calls that met a fault, by "model/method". */
  readonly hits: Record<string, number> = {};

  add(fault: Fault): void {
    const left = fault.times ?? (cutsAll(fault) ? null : 1);
    this.armed.push({ ...fault, left, toPass: fault.after ?? 0 });
  }

  clear(): void {
    this.armed = [];
  }

  list(): readonly ArmedFault[] {
    return this.armed;
  }

  /** Puts these in the place of all that are armed. */
  restore(armed: readonly ArmedFault[]): void {
    this.armed = [...armed];
  }

  isDown(): boolean {
    return this.armed.some(cutsAll);
  }

  isOff(): boolean {
    return this.armed.some((fault) => fault.fault === 'off');
  }

  /** The fault that hits this call, if any; counts it. */
  take(model: string, method: string): Fault | undefined {
    const matching = this.armed.filter(
      (fault) => (fault.match?.model ?? model) === model && (fault.match?.method ?? method) === method,
    );
    const due = matching.filter((fault) => fault.toPass-- <= 0);
    const hit = due[0];
    if (hit === undefined) return undefined;
    this.hits[`${model}/${method}`] = (this.hits[`${model}/${method}`] ?? 0) + 1;
    if (hit.left !== null && --hit.left <= 0) this.armed = this.armed.filter((fault) => fault !== hit);
    return hit;
  }
}

function cutsAll({ fault }: Fault): boolean {
  return fault === 'down' || fault === 'off';
}
