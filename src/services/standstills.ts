/**
 * When a contract runs: from its first period to its end, less the time in which its order stood still. Odoo tells how an
 * order is and when it was last written, so a standstill is written down as the mirror shows it begin and end.
 */
import type { EntityManager } from 'typeorm';
import { ALWAYS, type Span, without } from '../domain/completeness';
import { dayAfter, dayStart } from '../domain/period';
import type { ContractState } from './contract-state';

/** Begins or ends the contract's standstill, as of the order's last change. Callers hold the contract's lane exclusively. */
export async function followStandstill(tx: EntityManager, { id, order }: ContractState): Promise<void> {
  await tx.query(
    `update contract_standstill c set ends_at = greatest(c.starts_at, s.write_date) from subscription s
      where c.contract_id = $1 and c.ends_at is null and s.id = $2 and s.subscription_state is distinct from c.state`,
    [id, order.id],
  );
  await tx.query(
    `insert into contract_standstill (contract_id, state, starts_at)
     select $1, subscription_state, write_date from subscription
      where id = $2 and subscription_state in ('PAUSED', 'CHURNED')
     on conflict (contract_id) where ends_at is null do nothing`,
    [id, order.id],
  );
}

interface RunRow {
  id: string;
  since: Date;
  endOn: string | null;
}

/** The time in which each contract runs; one without a period yet is missing. */
export async function runningSpans(
  tx: EntityManager,
  contractIds: readonly string[],
  zone: string,
): Promise<Map<string, Span[]>> {
  if (contractIds.length === 0) return new Map();
  const contracts = await tx.query<RunRow[]>(
    `select p.contract_id as id, min(p.start_at) as since,
            (select s.end_on::text from subscription s where s.contract_id = p.contract_id
              order by s.contract_sequence desc limit 1) as "endOn"
       from billing_period p where p.contract_id = any ($1) group by p.contract_id`,
    [contractIds],
  );
  const standstills = await tx.query<{ id: string; start: Date; end: Date | null }[]>(
    `select contract_id as id, starts_at as start, ends_at as "end" from contract_standstill where contract_id = any ($1)`,
    [contractIds],
  );
  return new Map(
    contracts.map(({ id, since, endOn }) => {
      const end = endOn === null ? ALWAYS.end : dayStart(dayAfter(endOn), zone);
      const still = standstills.filter((one) => one.id === id);
      const stopped = still.map((one) => ({ start: one.start, end: one.end ?? ALWAYS.end }));
      return [id, without([{ start: since, end }], stopped)];
    }),
  );
}
