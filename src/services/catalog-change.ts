/** What the changes of the catalogue have in common: one at a time a service, only what was sent, nothing of what is archived. */
import type { EntityManager, EntityTarget, ObjectLiteral } from 'typeorm';
import type { Ctx } from '../ctx';
import { Decimal, printDecimal } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { invalid, parseText } from '../domain/parse';
import { Service } from '../entities/service';
import { notFound } from './access';
import { writeAudit } from './audit';
import { bumpCatalogVersion } from './catalog-version';

/**
 * The service, locked until `tx` ends: what was found of its catalogue holds until the commit. Taken after lanes, before any
 * other row.
 */
export async function lockService(tx: EntityManager, serviceId: string): Promise<Service> {
  const service = await tx.findOne(Service, { where: { id: serviceId }, lock: { mode: 'for_no_key_update' } });
  if (service === null) throw notFound('service', 'service');
  return service;
}

/** The same, for whatever adds to a service or changes it. @throws BillingError CONFLICT when it is archived. */
export async function lockServiceInUse(tx: EntityManager, serviceId: string): Promise<Service> {
  const service = await lockService(tx, serviceId);
  refuseArchived(service, { noun: 'service', name: service.code, field: 'service' });
  return service;
}

/** How people name a thing, and the field of the input that did. */
export interface Named {
  noun: string;
  name: string;
  field: string;
}

/** @throws BillingError CONFLICT naming the thing and since when it is archived. */
export function refuseArchived(thing: { archivedAt: Date | null }, named: Named): void {
  if (thing.archivedAt !== null) throw archivedConflict(named, thing.archivedAt);
}

/** The refusal of whatever would use `named` since it was archived. */
export function archivedConflict({ noun, name, field }: Named, archivedAt: Date): BillingError {
  const at = archivedAt.toISOString();
  return new BillingError('CONFLICT', `The ${noun} "${name}" is archived since ${at}.`, { field, archivedAt: at });
}

/** The text of an update: undefined when it was not sent. @throws BillingError VALIDATION_FAILED for null and for bad texts. */
export function sentText(text: string | null | undefined, field: string, longest: number): string | undefined {
  const value = sentValue(text, field);
  return value === undefined ? undefined : parseText(value, field, longest);
}

/** A value of an update that cannot be cleared: undefined when it was not sent. @throws BillingError VALIDATION_FAILED for null. */
export function sentValue<T>(value: T | null | undefined, field: string): T | undefined {
  if (value === null) throw invalid(field, `${field} cannot be cleared: leave it out, or send a value.`);
  return value;
}

interface Change<T> {
  entity: EntityTarget<T>;
  row: T;
  /** What the row is to hold; undefined stays as it is. */
  values: { [K in keyof T]?: T[K] | undefined };
  /** For the audit entry: `<noun>.<participle>`; the noun is the subject's type. */
  action: string;
  serviceId: string;
}

/**
 * Stores what differs of `values` in `tx`, and in `row` as well; raises the catalogue's version and writes the audit entry with
 * each value before and after. Nothing differs: nothing happens.
 */
export async function storeChanges<T extends ObjectLiteral & { id: string }>(
  tx: EntityManager,
  ctx: Ctx,
  { entity, row, values, action, serviceId }: Change<T>,
): Promise<void> {
  const changed = Object.entries(values).filter(
    ([name, value]) => value !== undefined && !isSame(value, row[name as keyof T]),
  );
  if (changed.length === 0) return;
  const after = Object.fromEntries(changed) as Partial<T>;
  const changes = Object.fromEntries(changed.map(([name, to]) => [name, { from: print(row[name]), to: print(to) }]));
  await tx.createQueryBuilder().update(entity).set(after).where('id = :id', { id: row.id }).execute();
  Object.assign(row, after);
  await bumpCatalogVersion(tx, [serviceId]);
  await writeAudit(tx, ctx, {
    action,
    subjectType: action.split('.')[0] ?? action,
    subjectId: row.id,
    serviceId,
    details: { changes },
  });
}

function isSame(value: unknown, other: unknown): boolean {
  return print(value) === print(other);
}

function print(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  return value instanceof Decimal ? printDecimal(value) : value;
}
