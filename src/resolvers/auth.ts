/** Scopes: what `@Authorized('usage:write')` means. */
import type { AuthCheckerFn } from 'type-graphql';
import type { Actor, Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import type { Scope } from '../domain/scope';

/** Who sends no key: may ask for `__typename` and, outside production, for the schema. Of no service, so no row is theirs. */
export const ANONYMOUS: Actor = {
  name: 'anonymous',
  serviceId: '00000000-0000-0000-0000-000000000000',
  scopes: new Set(),
  apiKeyId: null,
};

/** A field without a named scope asks for a key only. */
export const authChecker: AuthCheckerFn<Ctx, Scope> = ({ context }, required) => {
  if (context.actor === ANONYMOUS) {
    throw new BillingError('UNAUTHENTICATED', 'Send an API key: "Authorization: Bearer fb_…".');
  }
  const scope = required.find((each) => !context.actor.scopes.has(each));
  if (scope !== undefined) throw new BillingError('FORBIDDEN', `This key lacks the scope ${scope}.`, { scope });
  return true;
};
