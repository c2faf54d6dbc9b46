/** Bare script: reads each line, sets its delivered quantity and reads it back, as many at a time as the product, and keeps nothing. */
import type { OdooConnection } from '../../src/config';
import { call, obey } from './bare';

export interface WritingOrder {
  connection: OdooConnection;
  lineOdooIds: number[];
  quantity: number;
  /** Calls at one time. */
  inFlight: number;
}

const CONTEXT = { lang: 'en_US', tz: 'UTC', active_test: false };
const SPECIFICATION = {
  qty_delivered: {},
  qty_invoiced: {},
  qty_to_invoice: {},
  price_unit: {},
  discount: {},
  product_id: {},
  write_date: {},
  order_id: { fields: { next_invoice_date: {}, state: {}, locked: {}, subscription_state: {}, currency_id: {} } },
};

void obey(async ({ connection, lineOdooIds, quantity, inFlight }: WritingOrder) => {
  const waiting = lineOdooIds.values();
  const work = async (): Promise<void> => {
    for (const id of waiting) {
      const asked = { ids: [id], specification: SPECIFICATION, context: CONTEXT };
      await call(connection, 'sale.order.line/web_read', asked);
      const vals = { qty_delivered: quantity };
      const [line] = await call<{ qty_delivered: number }[]>(connection, 'sale.order.line/web_save', {
        ...asked,
        vals,
      });
      if (line?.qty_delivered !== quantity) throw new Error(`Line ${id} was not written.`);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
});
