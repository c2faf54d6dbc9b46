/** The models and methods our client calls, found out by letting each of its functions make its call. */
import { Decimal } from '../../src/domain/decimal';
import type { OdooCall, OdooClient } from '../../src/odoo/client';
import * as models from '../../src/odoo/models';
import * as records from '../../src/odoo/records';

const FROM = new Date('2026-01-01T00:00:00Z');
const MODELS = Object.values(models);

type Call = (odoo: OdooClient) => Promise<unknown>;

/** Every function of records.ts with the arguments it can be called by; one that is missing here does not compile. */
const CALLS: Record<keyof typeof records, Call[]> = {
  readWindow: MODELS.map((model) => (odoo) => records.readWindow(odoo, model, { from: FROM, afterId: 0, limit: 1 })),
  readByIds: MODELS.map((model) => (odoo) => records.readByIds(odoo, model, [1])),
  searchIds: MODELS.map((model) => (odoo) => records.searchIds(odoo, model, { afterId: 0, limit: 1 })),
  readServerTime: [(odoo) => records.readServerTime(odoo)],
  readSlot: [(odoo) => records.readSlot(odoo, 1)],
  saveDelivered: [(odoo) => records.saveDelivered(odoo, 1, new Decimal(1))],
};

/** "sale.order/search_read" and so on. */
export async function clientCalls(): Promise<Set<string>> {
  const seen = new Set<string>();
  const odoo: OdooClient = {
    call: ({ model, method }: OdooCall) => {
      seen.add(`${model}/${method}`);
      return Promise.reject(new Error('only the call counts'));
    },
    status: () => ({ reachable: true, circuitOpen: false, lastError: null }),
    close: () => Promise.resolve(),
  };
  for (const call of Object.values(CALLS).flat()) await call(odoo).catch(() => undefined);
  return seen;
}
