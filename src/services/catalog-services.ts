/** Services: made by the whole installation's operators, read by whoever they belong to. */
import { IsNull } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { invalid, parseText } from '../domain/parse';
import { Charge } from '../entities/charge';
import { Service, type ServiceStage } from '../entities/service';
import { visibleServiceId } from './access';
import { writeAudit } from './audit';
import { tileBillerSpans } from './biller-spans';
import { lockService, lockServiceInUse, sentText, storeChanges } from './catalog-change';
import { byId, fetchPage, narrowToArchived, type Page, type PageArgs } from './page';
import { inTransaction, violatedConstraint } from './transaction';

export interface CreateServiceInput {
  code: string;
  name: string;
  stage: ServiceStage;
}

/**
 * Makes a service; every contract there is gets its biller for it.
 * @throws BillingError FORBIDDEN for a key bound to a service, CONFLICT for a code that is taken.
 */
export async function createService(ctx: Ctx, input: CreateServiceInput): Promise<{ service: Service }> {
  if (ctx.actor.serviceId !== null) {
    throw new BillingError('FORBIDDEN', 'Only a key of the whole installation makes services.', { scope: 'admin' });
  }
  const { code, stage } = input;
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(code)) {
    throw invalid('code', 'code must be 1 to 63 lower-case letters, digits, - and _, with a letter or digit first.');
  }
  const name = parseText(input.name, 'name', 200);
  return inTransaction(ctx, async (tx) => {
    const service = tx.create(Service, { code, name, stage, createdAt: ctx.now, archivedAt: null });
    await tx.save(service).catch(refuseTakenCode);
    await tileBillerSpans(tx, { serviceIds: [service.id] });
    await writeAudit(tx, ctx, {
      action: 'service.created',
      subjectType: 'service',
      subjectId: service.id,
      serviceId: service.id,
      details: { code, name, stage },
    });
    return { service };
  });
}

export interface UpdateServiceInput {
  service?: string | null;
  /** Untouched when not given. */
  name?: string | null;
}

/** Changes what is given of a service. @throws BillingError NOT_FOUND, VALIDATION_FAILED, CONFLICT when it is archived. */
export async function updateService(ctx: Ctx, input: UpdateServiceInput): Promise<{ service: Service }> {
  const name = sentText(input.name, 'name', 200);
  const serviceId = await visibleServiceId(ctx, input.service);
  return inTransaction(ctx, async (tx) => {
    const service = await lockServiceInUse(tx, serviceId);
    await storeChanges(tx, ctx, {
      entity: Service,
      row: service,
      values: { name },
      action: 'service.updated',
      serviceId,
    });
    return { service };
  });
}

/**
 * Takes a service out of use. Usage that counts before now is still taken, later usage and anything new is refused; what Odoo
 * still owes stays due. Archiving it again changes nothing.
 * @throws BillingError NOT_FOUND, CONFLICT while a charge of it is in use.
 */
export async function archiveService(ctx: Ctx, input: { service?: string | null }): Promise<{ service: Service }> {
  const serviceId = await visibleServiceId(ctx, input.service);
  return inTransaction(ctx, async (tx) => {
    const service = await lockService(tx, serviceId);
    if (service.archivedAt !== null) return { service };
    const chargesInUse = await tx.countBy(Charge, { serviceId, archivedAt: IsNull() });
    if (chargesInUse > 0) {
      const message = `The service "${service.code}" has charges in use: archive them first.`;
      throw new BillingError('CONFLICT', message, { field: 'service', chargesInUse });
    }
    const values = { archivedAt: ctx.now };
    await storeChanges(tx, ctx, { entity: Service, row: service, values, action: 'service.archived', serviceId });
    return { service };
  });
}

/** The services a caller may see, the oldest first. */
export async function listServices(
  ctx: Ctx,
  { archived }: { archived?: boolean | null },
  page: PageArgs,
): Promise<Page<Service>> {
  const query = ctx.db.createQueryBuilder(Service, 'service');
  if (ctx.actor.serviceId !== null) query.where('service.id = :serviceId', { serviceId: ctx.actor.serviceId });
  narrowToArchived(query, 'service', archived);
  return fetchPage(query, byId('service'), page);
}

export async function servicesByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, Service>> {
  const query = ctx.db.createQueryBuilder(Service, 'service').where('service.id = any(:ids)', { ids });
  if (ctx.actor.serviceId !== null) query.andWhere('service.id = :serviceId', { serviceId: ctx.actor.serviceId });
  return new Map((await query.getMany()).map((service) => [service.id, service]));
}

function refuseTakenCode(error: unknown): never {
  if (violatedConstraint(error) !== 'service_code_key') throw error;
  throw new BillingError('CONFLICT', 'There is a service with this code already.', { field: 'code' });
}
