import { classifyAnswer, faultWithoutAnswer, OdooFault, toBillingError } from '../../src/odoo/fault';

/** Recorded errors: exchange number, status, name (null: HTML), and the verdict, by hand. */
const RECORDED: [exchange: string, status: number, name: string | null, kind: string, outcome: string][] = [
  ['007 no key', 401, 'werkzeug.exceptions.Unauthorized', 'unauthenticated', 'rejected'],
  ['009 expired key', 401, 'werkzeug.exceptions.Unauthorized', 'unauthenticated', 'rejected'],
  ['013 wrong database, or none', 404, null, 'retryable', 'rejected'],
  ['505 database server stopped', 404, null, 'retryable', 'rejected'],
  ['016 wrong content type', 415, null, 'permanent', 'rejected'],
  ['019 malformed JSON', 400, 'werkzeug.exceptions.BadRequest', 'permanent', 'rejected'],
  ['023 wrong parameters', 422, 'werkzeug.exceptions.UnprocessableEntity', 'permanent', 'rejected'],
  ['031 unknown model', 404, 'werkzeug.exceptions.NotFound', 'permanent', 'rejected'],
  ['143 other company', 403, 'odoo.exceptions.AccessError', 'permanent', 'rejected'],
  ['140 unknown language', 422, 'odoo.exceptions.UserError', 'permanent', 'rejected'],
  ['209 date with a zone', 500, 'builtins.ValueError', 'permanent', 'rejected'],
  ['309 domain as a string', 500, 'builtins.TypeError', 'permanent', 'rejected'],
  ['310 wrong value type', 500, 'psycopg2.errors.InvalidTextRepresentation', 'permanent', 'rejected'],
  ['319 negative limit', 500, 'psycopg2.errors.InvalidRowCountInLimitClause', 'permanent', 'rejected'],
  ['423 record gone', 404, 'odoo.exceptions.MissingError', 'missing', 'rejected'],
  ['435 referred record gone', 404, 'odoo.exceptions.MissingError', 'missing', 'rejected'],
  ['430 section line', 422, 'odoo.exceptions.ValidationError', 'permanent', 'rejected'],
  ['455 locked order', 422, 'odoo.exceptions.UserError', 'permanent', 'rejected'],
  ['500 retries used up', 500, 'psycopg2.errors.SerializationFailure', 'retryable', 'rejected'],
  ['501 database lost in mid-request', 500, 'psycopg2.InterfaceError', 'retryable', 'unknown'],
  ['502 query cancelled', 500, 'psycopg2.errors.QueryCanceled', 'retryable', 'unknown'],
  ['504 pool exhausted', 500, null, 'retryable', 'unknown'],
];

/** Read in Odoo's source, or what a proxy in front answers. */
const NOT_RECORDED: typeof RECORDED = [
  ['lock not obtained', 409, 'odoo.exceptions.LockError', 'retryable', 'rejected'],
  ['deadlock', 500, 'psycopg2.errors.DeadlockDetected', 'retryable', 'rejected'],
  ['database shut down', 500, 'psycopg2.errors.AdminShutdown', 'retryable', 'unknown'],
  ['account missing', 500, 'odoo.exceptions.RedirectWarning', 'permanent', 'rejected'],
  ['session of another user', 403, 'odoo.exceptions.AccessDenied', 'permanent', 'rejected'],
  ['rate limit of a proxy', 429, null, 'retryable', 'rejected'],
  ['bad gateway', 502, null, 'retryable', 'unknown'],
  ['gateway time-out', 504, null, 'retryable', 'unknown'],
  ['a page instead of JSON', 200, null, 'permanent', 'unknown'],
];

it.each([...RECORDED, ...NOT_RECORDED])('%s (%i %s) is %s, a write %s', (_case, status, odooName, kind, outcome) => {
  expect(classifyAnswer({ status, isJson: odooName !== null, odooName })).toMatchObject({ kind, outcome });
});

it('a name in an answer that is no JSON counts for nothing', () => {
  const verdict = classifyAnswer({ status: 404, isJson: false, odooName: 'odoo.exceptions.MissingError' });
  expect(verdict.kind).toBe('retryable');
});

it.each([
  ['ECONNREFUSED', 'not-sent'],
  ['ENOTFOUND', 'not-sent'],
  ['UND_ERR_CONNECT_TIMEOUT', 'not-sent'],
  ['ECONNRESET', 'unknown'],
  ['UND_ERR_SOCKET', 'unknown'],
])('a connection that fails with %s leaves a write %s', (code, outcome) => {
  const fault = faultWithoutAnswer(Object.assign(new Error('x'), { code }), 60_000);
  expect(fault).toMatchObject({ kind: 'retryable', outcome, serverTrouble: true, status: null });
});

it.each([
  ['retryable', 'UPSTREAM_UNAVAILABLE', true],
  ['unauthenticated', 'UPSTREAM_UNAVAILABLE', true],
  ['permanent', 'UPSTREAM_REJECTED', false],
  ['missing', 'UPSTREAM_REJECTED', false],
] as const)('callers see a %s fault as %s', (kind, code, retryable) => {
  const parts = { kind, outcome: 'rejected', serverTrouble: false, status: 422, odooName: 'a.b.C' } as const;
  const error = toBillingError(new OdooFault('no', parts));
  expect([error.code, error.retryable, error.details]).toEqual([
    code,
    retryable,
    { odooStatus: 422, odooError: 'a.b.C' },
  ]);
});
