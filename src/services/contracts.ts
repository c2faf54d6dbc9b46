/** Which contracts an actor may see, and reading them. */
import type { Ctx } from '../ctx';
import { Contract } from '../entities/contract';
import { asUuid, notFound } from './access';

/**
 * SQL that holds for the contracts `c` a service may see: those with an order of a partner it has linked. `$n` is the
 * parameter with the service's id; null sees all.
 */
export function contractVisible(parameter: string): string {
  return `(${parameter}::uuid is null or exists (
      select 1 from subscription s join partner p on p.odoo_id = s.partner_odoo_id
        join account_link l on l.partner_id = p.id
       where s.contract_id = c.id and l.service_id = ${parameter}::uuid))`;
}

/** The contract, when the actor may see it. @throws BillingError NOT_FOUND otherwise, the same for unknown and foreign ids. */
export async function contractInSight(ctx: Ctx, id: string, field = 'contractId'): Promise<Contract> {
  const uuid = asUuid(id, 'contract', field);
  const found = (await contractsByIds(ctx, [uuid])).get(uuid);
  if (found === undefined) throw notFound('contract', field);
  return found;
}

/** Contracts by id, those in sight of the actor only. */
export async function contractsByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, Contract>> {
  const contracts = await ctx.db
    .createQueryBuilder(Contract, 'c')
    .where('c.id = any(:ids)', { ids })
    .andWhere(contractVisible(':serviceId'), { serviceId: ctx.actor.serviceId })
    .getMany();
  return new Map(contracts.map((contract) => [contract.id, contract]));
}
