/** What a test, the demo or a person may do with a sandbox beside its JSON-2 interface. The same shape is served over HTTP. */
import * as billing from './billing';
import { checkRunAt, runInstants, stampOf, type Clock, type ClockSetting } from './clock';
import { missingError } from './errors';
import type { ArmedFault, Fault, Faults } from './faults';
import { personEnv } from './methods';
import type { FieldValue, Row } from './schema';
import type { Env } from './search';
import type { DeliveredMode, SavedState, Store, WriteEntry } from './store';
import { createRow, removeRow, writeRows } from './write';

/** A whole sandbox as plain JSON: records, clock, settings, writes, and the faults that are armed. */
export interface SandboxState extends SavedState {
  faults: readonly ArmedFault[];
}

export interface SandboxControl {
  now(): Promise<Date>;
  /** Sets the clock, or gives it back to real time with null. Runs passed on the way are played in order, each at its instant. */
  setNow(date: Date | null): Promise<void>;
  /** Moves the clock on; a real one goes on running, that much ahead. Runs passed are played. */
  advance(by: { hours: number } | number): Promise<void>;
  /** What becomes of `qty_delivered` once it is billed. */
  setMode(mode: DeliveredMode): Promise<void>;
  /** Switches the Discounts feature of Sales, off at first. */
  setDiscounts(on: boolean): Promise<void>;
  /** Hour of the daily run, "HH:MM" in UTC. */
  setRunAt(runAt: string): Promise<void>;
  /** Bills what is due today, whatever the hour. */
  runBilling(options?: { orderIds?: number[] }): Promise<billing.RunOutcome[]>;
  /** An invoice by hand, due or not; posted unless `post` is false. Null when there is nothing to bill. */
  invoiceOrder(orderId: number, options?: { post?: boolean }): Promise<number | null>;
  postInvoice(moveId: number): Promise<void>;
  deleteDraft(moveId: number): Promise<void>;
  /** A credit note over a whole invoice, posted unless `post` is false; its id. */
  creditNote(moveId: number, options?: { post?: boolean }): Promise<number>;
  payInvoice(moveId: number, amount?: number): Promise<void>;
  /** The run leaves these orders out ("Contract in exception") until cleared. */
  skipRuns(orderIds: number[]): Promise<void>;
  clearSkips(): Promise<void>;
  addFault(fault: Fault): Promise<void>;
  clearFaults(): Promise<void>;
  saveState(): Promise<SandboxState>;
  /** Goes on from a saved state, of this sandbox or another; its own API key stays. */
  loadState(state: SandboxState): Promise<void>;
  /** Writes accepted over JSON-2, oldest first. */
  writes(): Promise<WriteEntry[]>;
  /** JSON-2 requests so far, by "model/method", whatever became of them. */
  calls(): Promise<Record<string, number>>;
  /** Those of them that met a fault. */
  hits(): Promise<Record<string, number>>;
  /** JSON-2 requests that are worked on now; whoever sent one may have given it up. */
  inWork(): Promise<number>;
  create(model: string, values: Record<string, unknown>): Promise<number>;
  /** An edit by a person. A `write_date` among the values is taken as given: a transaction that began earlier. */
  update(model: string, id: number, values: Record<string, unknown>): Promise<void>;
  remove(model: string, id: number): Promise<void>;
  /** The stored record, without computed fields. */
  record(model: string, id: number): Promise<Row>;
  records(model: string, filter?: Record<string, FieldValue>): Promise<Row[]>;
}

export interface Machine {
  store: Store;
  clock: Clock;
  faults: Faults;
  calls: Record<string, number>;
  /** JSON-2 requests that are worked on now. */
  inWork: number;
}

/** Plays the runs the clock has passed since it was last looked at, oldest first, each at its instant. While Odoo is off they wait. */
export function catchUp({ store, clock, faults }: Machine): void {
  if (faults.isOff()) return;
  const until = clock.nowMs();
  const passed = runInstants(store.meta.ranUntilMs, until, store.meta.runAt);
  for (const instant of passed) billing.runBilling(runEnv(store, stampOf(instant)));
  store.meta.ranUntilMs = until;
  if (passed.length > 0) store.save();
}

/** What Odoo's scheduler does after a standstill: the runs it missed are made up for by one, now. */
function runLate({ store, clock }: Machine): void {
  const now = clock.nowMs();
  const missed = runInstants(store.meta.ranUntilMs, now, store.meta.runAt);
  if (missed.length > 0) billing.runBilling(runEnv(store, stampOf(now)));
  store.meta.ranUntilMs = now;
  store.save();
}

function runEnv(store: Store, stamp: string): Env {
  return { ...personEnv(store, stamp), uid: 1 };
}

export function makeControl(machine: Machine): SandboxControl {
  return {
    ...clockControl(machine),
    ...billingControl(machine),
    ...testControl(machine),
    ...recordControl(machine),
    ...stateControl(machine),
  };
}

function clockControl(machine: Machine) {
  const { store, clock } = machine;
  const setClock = (setting: ClockSetting): void => {
    clock.set(setting);
    store.meta.clock = setting;
    catchUp(machine);
    store.save();
  };
  return {
    now: async () => new Date(clock.nowMs()),
    setNow: async (date: Date | null) => {
      setClock({ setMs: date === null ? null : new Date(date).getTime(), aheadMs: 0 });
    },
    advance: async (by: { hours: number } | number) => {
      setClock(clock.movedBy(typeof by === 'number' ? by : by.hours * 3_600_000));
    },
    setRunAt: async (runAt: string) => {
      checkRunAt(runAt);
      store.meta.runAt = runAt;
      store.save();
    },
  };
}

function billingControl(machine: Machine) {
  const { store } = machine;
  const within = async <T>(work: (env: Env) => T): Promise<T> => {
    const env = personEnv(store, machine.clock.stamp());
    return store.transaction(() => work(env));
  };
  const setSkipped = async (orderIds: number[]) => {
    store.meta.skipped = orderIds;
    store.save();
  };
  return {
    setDiscounts: async (on: boolean) => {
      store.meta.discounts = on;
      store.save();
    },
    setMode: async (mode: DeliveredMode) => {
      store.meta.mode = mode;
      store.save();
    },
    runBilling: async (options: { orderIds?: number[] } = {}) =>
      billing.runBilling(runEnv(store, machine.clock.stamp()), options.orderIds),
    invoiceOrder: (orderId: number, options: { post?: boolean } = {}) =>
      within((env) => {
        const order = store.get('sale.order', orderId);
        if (!order) throw missingError('sale.order', orderId, env.uid);
        const moveId = billing.draftInvoice(env, order);
        if (moveId !== null && options.post !== false) billing.postInvoice(env, moveId);
        return moveId;
      }),
    postInvoice: (moveId: number) => within((env) => billing.postInvoice(env, moveId)),
    deleteDraft: (moveId: number) => within((env) => billing.deleteDraft(env, moveId)),
    creditNote: (moveId: number, options: { post?: boolean } = {}) =>
      within((env) => billing.creditNote(env, moveId, options)),
    payInvoice: (moveId: number, amount?: number) => within((env) => billing.payInvoice(env, moveId, amount)),
    skipRuns: (orderIds: number[]) => setSkipped([...new Set([...store.meta.skipped, ...orderIds])]),
    clearSkips: () => setSkipped([]),
  };
}

function testControl(machine: Machine) {
  return {
    addFault: async (fault: Fault) => machine.faults.add(fault),
    clearFaults: async () => {
      const wasOff = machine.faults.isOff();
      machine.faults.clear();
      if (wasOff) runLate(machine);
    },
    writes: async () => structuredClone(machine.store.meta.writes),
    calls: async () => ({ ...machine.calls }),
    hits: async () => ({ ...machine.faults.hits }),
    inWork: async () => machine.inWork,
  };
}

function stateControl({ store, clock, faults }: Machine) {
  return {
    saveState: async (): Promise<SandboxState> => structuredClone({ ...store.dump(), faults: faults.list() }),
    loadState: async (state: SandboxState) => {
      const { faults: armed, ...saved } = structuredClone(state);
      saved.meta.apiKey = store.meta.apiKey;
      store.adopt(saved);
      clock.set(saved.meta.clock);
      faults.restore(armed);
      store.save();
    },
  };
}

function recordControl(machine: Machine) {
  const { store } = machine;
  const env = () => personEnv(store, machine.clock.stamp());
  return {
    create: async (model: string, values: Record<string, unknown>) =>
      store.transaction(() => createRow(env(), model, values).id),
    update: async (model: string, id: number, values: Record<string, unknown>) =>
      store.transaction(() => writeRows(env(), { model, ids: [id] }, values)),
    remove: async (model: string, id: number) => store.transaction(() => removeRow(env(), model, id)),
    record: async (model: string, id: number) => {
      const row = store.get(model, id);
      if (!row) throw missingError(model, id, 2);
      return structuredClone(row);
    },
    records: async (model: string, filter: Record<string, FieldValue> = {}) => {
      const rows = store.rows(model).sort((a, b) => a.id - b.id);
      return structuredClone(rows.filter((row) => Object.entries(filter).every(([k, v]) => row[k] === v)));
    },
  };
}
