/** The nightly check of the identities: what it found is kept for each service, for the page of metrics and its alarms. */
import type { Ctx } from '../ctx';
import { identities } from './identities';

/** What does not hold for a service, as numbers of rows; `unpriced`: closed periods and metrics that no charge priced. */
interface Found {
  records: number;
  units: number;
  money: number;
  unpriced: number;
}

/**
 * Works out the identities of each service. One service that cannot be checked does not stop the others.
 * @throws AggregateError with what stopped the checks, when all were tried.
 */
export async function checkIdentities(ctx: Ctx): Promise<void> {
  const services = await ctx.db.query<{ id: string; code: string }[]>('select id, code from service order by code');
  const failures: unknown[] = [];
  for (const { id, code } of services) {
    await checkService(ctx, id, code).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw new AggregateError(failures, 'identities could not be checked');
}

async function checkService(ctx: Ctx, serviceId: string, service: string): Promise<void> {
  const { holds, records, units, money } = await identities(ctx, { service });
  const found: Found = {
    records: records.filter((row) => row.difference !== 0).length,
    units: units.filter((row) => !row.difference.isZero()).length,
    money: money.filter((row) => !row.difference.isZero()).length,
    unpriced: units.filter((row) => !row.unpriced.isZero()).length,
  };
  if (!holds) ctx.log.error({ service, ...found }, 'the identities do not hold');
  await ctx.db.query(
    `insert into identity_check (service_id, checked_at, records, units, money, unpriced) values ($1, $2, $3, $4, $5, $6)
     on conflict (service_id) do update set checked_at = excluded.checked_at, records = excluded.records,
       units = excluded.units, money = excluded.money, unpriced = excluded.unpriced`,
    [serviceId, ctx.now, found.records, found.units, found.money, found.unpriced],
  );
}
