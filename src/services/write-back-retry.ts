/** Sending a blocked intent again, at a person's word. */
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { enqueue } from '../queue';
import { asUuid, notFound } from './access';
import { writeAudit } from './audit';
import { inTransaction } from './transaction';

/**
 * Sends a blocked intent again, once a person has mended the cause.
 * @throws BillingError NOT_FOUND; CONFLICT when it is not blocked.
 */
export async function retryWriteBack(ctx: Ctx, input: { id: string }): Promise<{ id: string }> {
  return inTransaction(ctx, async (tx) => {
    const [found] = await tx.query<
      { id: string; contract_id: string; state: string; service_id: string; order_id: string }[]
    >(
      `select w.id, w.contract_id, w.state, c.service_id, s.id as order_id
         from write_back w
         join subscription_line l on l.id = w.subscription_line_id join subscription s on s.odoo_id = l.subscription_odoo_id
         join charge c on c.product_id = w.product_id
        where w.id = $1 and ($2::uuid is null or c.service_id = $2) limit 1 for update of w`,
      [asUuid(input.id, 'write-back'), ctx.actor.serviceId],
    );
    if (found === undefined) throw notFound('write-back', 'id');
    if (found.state !== 'BLOCKED') {
      throw new BillingError('CONFLICT', `Only a blocked write-back can be retried; this one is ${found.state}.`, {
        field: 'id',
      });
    }
    await tx.query(`update write_back set state = 'PENDING', block_reason = null, updated_at = $2 where id = $1`, [
      found.id,
      ctx.now,
    ]);
    await writeAudit(tx, ctx, {
      action: 'write_back.retried',
      subjectType: 'write_back',
      subjectId: found.id,
      serviceId: found.service_id,
    });
    await enqueue(tx, 'write-back', { subscriptionId: found.order_id }, { jobKey: `write-back:${found.order_id}` });
    return { id: found.id };
  });
}
