/** Moves a service between its stages, and with it who bills its contracts. No gates yet: the operator's word is enough. */
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { Service, type ServiceStage } from '../entities/service';
import { notFound, visibleServiceId } from './access';
import { writeAudit } from './audit';
import { giveToOdoo, takeFromOdoo } from './biller-spans';
import { refuseArchived } from './catalog-change';
import { bumpCatalogVersion } from './catalog-version';
import { inTransaction } from './transaction';

export interface SetServiceStageInput {
  service?: string | null;
  stage: ServiceStage;
  reason: string;
}

const MAX_REASON_LENGTH = 1000;

/**
 * LIVE hands every contract of the service to Odoo from the start of its open period on; any other stage takes them back,
 * while nothing of them was billed. The reason goes into the audit entry.
 * @throws BillingError VALIDATION_FAILED without a reason; CONFLICT when Odoo has billed already.
 */
export async function setServiceStage(ctx: Ctx, input: SetServiceStageInput): Promise<Service> {
  const reason = input.reason.trim();
  if (reason === '' || reason.length > MAX_REASON_LENGTH) {
    throw new BillingError('VALIDATION_FAILED', `reason must have 1 to ${MAX_REASON_LENGTH} characters.`, {
      field: 'reason',
    });
  }
  const serviceId = await visibleServiceId(ctx, input.service);
  return inTransaction(ctx, async (tx) => {
    const service = await tx.findOne(Service, { where: { id: serviceId }, lock: { mode: 'pessimistic_write' } });
    if (service === null) throw notFound('service', 'service');
    refuseArchived(service, { noun: 'service', name: service.code, field: 'service' });
    if (service.stage === input.stage) return service;
    if (input.stage === 'LIVE') await giveToOdoo(tx, serviceId);
    else if (service.stage === 'LIVE') await takeFromOdoo(tx, serviceId);
    await tx.query('update service set stage = $2 where id = $1', [serviceId, input.stage]);
    await bumpCatalogVersion(tx, [serviceId]);
    await writeAudit(tx, ctx, {
      action: 'service.stage_changed',
      subjectType: 'service',
      subjectId: serviceId,
      serviceId,
      details: { from: service.stage, to: input.stage, reason },
    });
    return { ...service, stage: input.stage };
  });
}
