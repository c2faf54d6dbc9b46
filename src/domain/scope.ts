/** What a key may do. Enum names in GraphQL, `usage:write` in the CLI and the logs. */
export const SCOPES = {
  USAGE_WRITE: 'usage:write',
  USAGE_READ: 'usage:read',
  CATALOG_READ: 'catalog:read',
  CATALOG_WRITE: 'catalog:write',
  BILLING_READ: 'billing:read',
  BILLING_RUN: 'billing:run',
  ADMIN: 'admin',
} as const;

export type ScopeName = keyof typeof SCOPES;
export type Scope = (typeof SCOPES)[ScopeName];
export const ALL_SCOPES: readonly Scope[] = Object.values(SCOPES);
