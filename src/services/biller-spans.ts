/** Who bills a contract's usage of a service, and since when: the spans tile time for every contract and service. */
import type { EntityManager } from 'typeorm';
import { BillingError } from '../domain/errors';

const NOT_LIVE = 'the service is not live';

/**
 * Gives every pair of the named services and contracts (all, when not named) that has no span yet its first one: nobody
 * bills, unless the service is LIVE. Call it in the transaction that creates a service or a contract.
 */
export async function tileBillerSpans(
  tx: EntityManager,
  scope: { serviceIds?: readonly string[]; contractIds?: readonly string[] } = {},
): Promise<void> {
  await tx.query(
    `insert into biller_span (contract_id, service_id, biller, reason)
     select c.id, s.id, 'NONE', $3 from contract c cross join service s
      where ($1::uuid[] is null or s.id = any ($1)) and ($2::uuid[] is null or c.id = any ($2))
        and not exists (select 1 from biller_span b where b.contract_id = c.id and b.service_id = s.id)
      order by c.id, s.id`,
    [scope.serviceIds ?? null, scope.contractIds ?? null, NOT_LIVE],
  );
  const live = await tx.query<{ id: string }[]>(
    `select id from service where stage = 'LIVE' and ($1::uuid[] is null or id = any ($1)) order by id`,
    [scope.serviceIds ?? null],
  );
  for (const { id } of live) await giveToOdoo(tx, id);
}

/**
 * Hands every contract of the service to Odoo from the start of its open period on; contracts without a period yet as a
 * whole. Invoices from before bill nothing of the span: the next plan, which comes before the first write, marks the seam.
 */
export async function giveToOdoo(tx: EntityManager, serviceId: string): Promise<void> {
  await tx.query(
    `with cut as (
       update biller_span b set ends_at = p.start_at
         from billing_period p
        where p.contract_id = b.contract_id and p.state = 'OPEN'
          and b.service_id = $1 and b.biller = 'NONE' and b.ends_at is null
          and (b.starts_at is null or b.starts_at < p.start_at)
       returning b.contract_id, p.start_at)
     insert into biller_span (contract_id, service_id, biller, starts_at)
     select contract_id, $1, 'ODOO', start_at from cut order by contract_id`,
    [serviceId],
  );
  // What was not cut has no period before the seam: the whole span changes hands.
  await tx.query(
    `update biller_span set biller = 'ODOO', reason = null where service_id = $1 and biller = 'NONE' and ends_at is null`,
    [serviceId],
  );
}

/**
 * Takes the service's contracts back from Odoo. Possible only while nothing of them was billed or may have been written.
 * @throws BillingError CONFLICT otherwise.
 */
export async function takeFromOdoo(tx: EntityManager, serviceId: string): Promise<void> {
  const [used] = await tx.query<{ found: boolean }[]>(
    `select exists (
       select 1 from write_back w join charge c on c.product_id = w.product_id
        where c.service_id = $1 and (w.state = 'INVOICED' or (w.kind <> 'EMPTY' and w.state in ('UNKNOWN', 'WRITTEN')))
     ) or exists (
       select 1 from slot_settlement s join charge c on c.product_id = s.product_id
        where c.service_id = $1 and s.evidence = 'INVOICE_LINE') as found`,
    [serviceId],
  );
  if (used?.found) {
    throw new BillingError(
      'CONFLICT',
      'The service cannot leave LIVE: Odoo has billed its usage, or holds a quantity of it.',
      {
        field: 'stage',
      },
    );
  }
  await tx.query(
    `update write_back w set state = 'SUPERSEDED' from charge c
      where c.product_id = w.product_id and c.service_id = $1 and w.state = 'PENDING'`,
    [serviceId],
  );
  await tx.query(
    `update biller_span set biller = 'NONE', reason = $2, invoices_after_odoo_id = null
      where service_id = $1 and biller = 'ODOO' and ends_at is null`,
    [serviceId, NOT_LIVE],
  );
}
