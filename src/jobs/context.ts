/** The Ctx of a job: it acts for the whole installation, at the instant it was given. */
import { randomUUID } from 'node:crypto';
import type { App, Ctx } from '../ctx';
import { ALL_SCOPES } from '../domain/scope';

export function jobCtx(app: App, name: string, now: Date): Ctx {
  return {
    ...app,
    now,
    requestId: randomUUID(),
    actor: { name: `job:${name}`, serviceId: null, scopes: new Set(ALL_SCOPES), apiKeyId: null },
  };
}
