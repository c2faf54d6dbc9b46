/** The version by which the catalogue caches of all processes know that they are old. */
import type { EntityManager } from 'typeorm';

/**
 * Raises `service.catalog_version` in `tx`, the transaction that changes a metric, charge, link, assignment or the structure
 * of the mirror. In the order of ids, so that two raises never wait for each other in a circle; not against those who only
 * refer to a service.
 */
export async function bumpCatalogVersion(tx: EntityManager, serviceIds: readonly string[] | 'all'): Promise<void> {
  const ids = serviceIds === 'all' ? null : serviceIds;
  await tx.query(
    `update service set catalog_version = catalog_version + 1
      where id in (select id from service where $1::uuid[] is null or id = any($1) order by id for no key update)`,
    [ids],
  );
}
