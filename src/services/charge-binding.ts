/** What a charge is bound to: a contract, the plan of its order, or nothing. In SQL `s` is an order, or has its columns. */

/** Whether a charge is bound to nothing, to this contract, or to the plan of its order. */
export function isBoundHere(
  { boundContractId, planOdooId }: { boundContractId: string | null; planOdooId: number | null },
  { id, order }: { id: string; order: { planOdooId: number | null } },
): boolean {
  if (boundContractId !== null) return boundContractId === id;
  return planOdooId === null || planOdooId === order.planOdooId;
}

/** SQL that holds for a charge that is bound to nothing, or to the contract or the plan of `s`. */
export const boundHere = (charge: string): string => `(${charge}.contract_id = s.contract_id
           or ${charge}.contract_id is null and (${charge}.plan_odoo_id is null or ${charge}.plan_odoo_id = s.plan_odoo_id))`;

/** SQL that holds for a charge that has rated the contract of `s`, which may have had another plan then. */
export const ratedHere = (charge: string): string => `exists (
          select 1 from billing_period p join billable_line l on l.period_id = p.id
           where p.contract_id = s.contract_id and l.charge_id = ${charge}.id)`;
