/** Which service a caller means and may touch, and the one answer for what is not there or not theirs. */
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { invalid } from '../domain/parse';

/**
 * The same refusal for what does not exist and for what belongs to somebody else; it echoes nothing.
 * `noun` as people say it: "account link"; `field` is the input's field that named it.
 */
export function notFound(noun: string, field?: string): BillingError {
  return new BillingError('NOT_FOUND', `No such ${noun}.`, field === undefined ? {} : { field });
}

/**
 * The service an input means by its `service` code. A service's key may leave it out; a key of the whole installation may not.
 * @throws BillingError NOT_FOUND for a service that does not exist or is another's, VALIDATION_FAILED when none is named.
 */
export async function visibleServiceId(ctx: Ctx, code?: string | null): Promise<string> {
  const id = await visibleServiceIdOrAll(ctx, code);
  if (id !== null) return id;
  throw invalid('service', 'Name the service: this key is for the whole installation.');
}

/** The same for filters: null means every service, which only a key of the whole installation can mean. */
export async function visibleServiceIdOrAll(ctx: Ctx, code?: string | null): Promise<string | null> {
  if (code === undefined || code === null) return ctx.actor.serviceId;
  const [row] = await ctx.db.query<{ id: string }[]>('select id from service where code = $1', [searchable(code)]);
  const isVisible = row !== undefined && (ctx.actor.serviceId === null || ctx.actor.serviceId === row.id);
  if (!isVisible) throw notFound('service', 'service');
  return row.id;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * `id` when it has the form of ours.
 * @throws BillingError NOT_FOUND otherwise: ids are opaque, so one we never made is simply not there.
 */
export function asUuid(id: string, noun: string, field = 'id'): string {
  if (UUID.test(id)) return id;
  throw notFound(noun, field);
}

/**
 * `id` if it can be one of the ledger's.
 * @throws BillingError NOT_FOUND otherwise, as `asUuid`.
 */
export function asRecordId(id: string, field = 'id'): string {
  if (/^\d{1,18}$/.test(id)) return id;
  throw notFound('usage record', field);
}

/** `text` for a comparison with stored texts, which are never empty: PostgreSQL has none with a NUL and refuses the statement. */
export function searchable(text: string): string {
  return text.includes('\0') ? '' : text;
}

/** What `read` makes of a filter's value; null when none is given. */
export function given<T, R>(value: T | null | undefined, read: (value: T) => R): R | null {
  return value === null || value === undefined ? null : read(value);
}
