/** Bare script: pages the rows that a full pass of the mirror reads, with the same calls one after the other, and keeps nothing. */
import type { OdooConnection } from '../../src/config';
import * as models from '../../src/odoo/models';
import { call, obey } from './bare';

export interface PagingOrder {
  connection: OdooConnection;
  /** How many lines it must find. */
  lines: number;
}

interface OdooRecord {
  id: number;
  [field: string]: unknown;
}

const PAGE_SIZE = 500;
const CONTEXT = { lang: 'en_US', tz: 'UTC', active_test: false };

void obey(async ({ connection, lines }: PagingOrder) => {
  const search = (model: models.OdooModel, condition: unknown, limit: number): Promise<OdooRecord[]> =>
    call(connection, `${model.name}/search_read`, {
      domain: [...model.domain, condition],
      limit,
      fields: model.fields,
      order: 'id',
      load: null,
      context: CONTEXT,
    });
  const readAll = async (model: models.OdooModel, onPage?: (page: OdooRecord[]) => Promise<void>): Promise<number> => {
    for (let afterId = 0, read = 0; ;) {
      const page = await search(model, ['id', '>', afterId], PAGE_SIZE);
      await onPage?.(page);
      read += page.length;
      afterId = page.at(-1)?.id ?? afterId;
      if (page.length < PAGE_SIZE) return read;
    }
  };
  /** Reads what the pages name by `field` and what no page before has named. */
  const readNamed = (model: models.OdooModel, field: string): ((page: OdooRecord[]) => Promise<void>) => {
    const known = new Set<unknown>();
    return async (page) => {
      const ids = [...new Set(page.map((record) => record[field]))].filter((id) => id !== false && !known.has(id));
      for (const id of ids) known.add(id);
      if (ids.length > 0) await search(model, ['id', 'in', ids], ids.length);
    };
  };
  await readAll(models.currencyModel);
  await readAll(models.planModel);
  await readAll(models.subscriptionModel, readNamed(models.partnerModel, 'partner_id'));
  const read = await readAll(models.subscriptionLineModel, readNamed(models.productModel, 'product_id'));
  await readAll(models.invoiceModel);
  await readAll(models.invoiceLineModel);
  if (read !== lines) throw new Error(`${read} lines were found instead of ${lines}.`);
});
