/** Fetching one record into the mirror, for use cases that name it by its Odoo id before any pass has seen it. */
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { MirrorModel } from '../entities/sync-run';
import { OdooFault, toBillingError } from '../odoo/fault';
import { readByIds } from '../odoo/records';
import { notFound } from './access';
import { storeRecords } from './mirror-prepare';
import { MIRROR_TABLES, storedIds } from './mirror-tables';

/**
 * Mirrors the partner when it is not there yet. Talks to Odoo: call it before the transaction, never inside.
 * @throws BillingError NOT_FOUND with the input's `field` when Odoo has none, UPSTREAM_UNAVAILABLE when Odoo cannot be asked.
 */
export async function ensurePartnerMirrored(ctx: Ctx, odooId: number, field = 'partnerOdooId'): Promise<void> {
  await ensureMirrored(ctx, { model: MirrorModel.PARTNER, odooId, noun: 'partner', field });
}

/** The same for a product. */
export async function ensureProductMirrored(ctx: Ctx, odooId: number, field = 'productOdooId'): Promise<void> {
  await ensureMirrored(ctx, { model: MirrorModel.PRODUCT, odooId, noun: 'product', field });
}

interface Wanted {
  model: MirrorModel;
  odooId: number;
  noun: string;
  field: string;
}

async function ensureMirrored(ctx: Ctx, wanted: Wanted): Promise<void> {
  const { odooId, noun, field } = wanted;
  const table = MIRROR_TABLES[wanted.model];
  if (odooId <= 0) throw notFound(noun, field);
  const choice = { afterId: odooId - 1, limit: 1, where: 'gone_at is null' };
  const [held] = await storedIds(ctx.db.manager, table, choice);
  if (held === odooId) return;
  const page = await readByIds(ctx.odoo, table.odoo, [odooId]).catch((error: unknown) => {
    throw error instanceof OdooFault ? toBillingError(error) : error;
  });
  if (page.records.length === 0) throw notFound(noun, field);
  const reading = { asOf: page.serverTime, force: false };
  const { problems } = await storeRecords(ctx, table, { records: page.records, reading });
  const problem = problems.get(odooId);
  if (problem !== undefined) throw new BillingError('UPSTREAM_REJECTED', problem.message, { field });
}
