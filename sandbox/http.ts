/** The transport of JSON-2, byte by byte as recorded: routes, keys, HTML answers, chunked bodies that vanish, and the faults. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { runBilling } from './billing';
import { makeControl, type Machine, type SandboxControl } from './control';
import { badRequest, notFound, OdooError, serializationFailure, unauthorized, userError } from './errors';
import type { Fault } from './faults';
import { adminEnv, callMethod, limitedEnv, personEnv, userEnv } from './methods';

const JSON_TYPE = 'application/json; charset=utf-8';
const HTML_TYPE = 'text/html; charset=utf-8';
const BODY_LIMIT = 140 * 1024 * 1024;

const NO_DATABASE = `<!DOCTYPE html>
<title>404 Not Found</title>
<h1>Not Found</h1>
<p>No database is selected and the requested URL was not found in the server-wide controllers.</p>
<p>Please verify the hostname, <a href=/web/login>login</a> and try again.</p>

<!-- Alternatively, use the X-Odoo-Database header. -->
`;

const WRONG_TYPE = `<!doctype html>
<html lang=en>
<title>415 Unsupported Media Type</title>
<h1>Unsupported Media Type</h1>
<p>Request inferred type is compatible with [&#39;http&#39;] but &#39;/json/2/&lt;__model__&gt;/&lt;__method__&gt;&#39; is type=&#39;json2&#39;.<br><br>Please verify the Content-Type request header and try again.</p>
`;

const UNKNOWN_PAGE = `<!doctype html>
<html lang=en>
<title>404 Not Found</title>
<h1>Not Found</h1>
<p>The requested URL was not found on the server.</p>
`;

const NO_CONNECTION = `<!doctype html>
<html lang=en>
<title>500 Internal Server Error</title>
<h1>Internal Server Error</h1>
<p>The server encountered an internal error and was unable to complete your request. Either the server is overloaded or there is an error in the application.</p>
`;

interface Answer {
  status: number;
  type: string;
  body: string;
  headers?: Record<string, string>;
}

interface Exchange {
  machine: Machine;
  database: string;
  request: IncomingMessage;
  response: ServerResponse;
}

export function createHttpServer(machine: Machine, database: string): Server {
  const control = makeControl(machine);
  return createServer((request, response) => {
    const exchange: Exchange = { machine, database, request, response };
    const path = request.url?.split('?')[0] ?? '/';
    const handled = path.startsWith('/sandbox/') ? handleControl(exchange, control, path) : handleOdoo(exchange, path);
    handled.catch((error: unknown) => send(exchange, errorAnswer(error)));
  });
}

async function handleOdoo(exchange: Exchange, path: string): Promise<void> {
  const { machine, request } = exchange;
  if (path.startsWith('/json/2/')) {
    machine.inWork += 1;
    await handleCall(exchange, path).finally(() => (machine.inWork -= 1));
    return;
  }
  if (machine.faults.isDown()) {
    request.socket.destroy();
    return;
  }
  await readBody(request);
  send(exchange, openAnswer(exchange, path));
}

/** Faults that cut the connection before anything is read. */
const CUTS: ReadonlySet<string | undefined> = new Set(['reset-before', 'down', 'off']);

async function handleCall(exchange: Exchange, path: string): Promise<void> {
  const { machine, request } = exchange;
  const [, , , model = '', method = ''] = path.split('/');
  machine.calls[`${model}/${method}`] = (machine.calls[`${model}/${method}`] ?? 0) + 1;
  const fault = machine.faults.take(model, method);
  if (CUTS.has(fault?.fault)) {
    request.socket.destroy();
    return;
  }
  const text = await readBody(request);
  await answerWithFault(exchange, { fault, work: () => callAnswer(exchange, { model, method }, text) });
}

/** Pages that need no key. */
function openAnswer(exchange: Exchange, path: string): Answer {
  if (path !== '/web/version' && path !== '/json/version') return { status: 404, type: HTML_TYPE, body: UNKNOWN_PAGE };
  const expires = new Date(exchange.machine.clock.nowMs() + 365 * 86_400_000).toUTCString();
  const cookie = `session_id=sandbox; Expires=${expires}; Max-Age=604800; HttpOnly; Path=/`;
  const body = JSON.stringify({ version_info: [19, 0, 0, 'final', 0, ''], version: '19.0' });
  return { status: 200, type: JSON_TYPE, body, headers: { 'Set-Cookie': cookie, 'X-Content-Type-Options': 'nosniff' } };
}

/** Waits without holding the process. */
async function sleep(ms: number): Promise<void> {
  await pause(ms, undefined, { ref: false });
}

async function answerWithFault(
  exchange: Exchange,
  call: { fault: Fault | undefined; work: () => Answer },
): Promise<void> {
  const { fault, work } = call;
  const { machine, request } = exchange;
  switch (fault?.fault) {
    case 'html-404':
      return send(exchange, { status: 404, type: HTML_TYPE, body: NO_DATABASE });
    case 'html-500':
      return send(exchange, { status: 500, type: HTML_TYPE, body: NO_CONNECTION });
    case 'serialization':
      return send(exchange, errorAnswer(serializationFailure()));
    case 'unauthorized':
      return send(exchange, errorAnswer(unauthorized('Invalid apikey')));
    case 'refused':
      return send(exchange, errorAnswer(userError('You cannot do this now.')));
    case 'slow':
      await sleep(fault.delayMs ?? 1000);
      return send(exchange, work());
    case 'reset-after':
      work();
      request.socket.destroy();
      return;
    case 'timeout-commits': {
      if (fault.commitDelayMs) await sleep(fault.commitDelayMs);
      const answer = work();
      if (fault.delayMs === undefined) return;
      await sleep(fault.delayMs);
      return send(exchange, answer);
    }
    case 'billing-before':
      runBilling(personEnv(machine.store, machine.clock.stamp()));
      return send(exchange, work());
    case 'billing-after': {
      const answer = work();
      runBilling(personEnv(machine.store, machine.clock.stamp()));
      return send(exchange, answer);
    }
    case 'down':
    case 'off':
    case 'reset-before':
    case undefined:
      return send(exchange, work());
  }
}

/** One JSON-2 call, with every check in the order of the server. */
function callAnswer(exchange: Exchange, path: { model: string; method: string }, text: string | null): Answer {
  const { machine, request } = exchange;
  const chosen = request.headers['x-odoo-database'];
  if (chosen !== undefined && chosen !== exchange.database) return { status: 404, type: HTML_TYPE, body: NO_DATABASE };
  const type = request.headers['content-type']?.split(';')[0]?.trim();
  if (request.method === 'POST' && type !== 'application/json' && (type !== undefined || text)) {
    return { status: 415, type: HTML_TYPE, body: WRONG_TYPE, headers: { Accept: 'application/json' } };
  }
  try {
    if (request.method !== 'POST' || !path.model || !path.method || path.method.includes('/')) {
      throw notFound('Did you mean POST /json/2/<model>/<method>?');
    }
    const env = ENV_OF[userOf(machine, request)](machine.store, machine.clock.stamp());
    const body = JSON.stringify(callMethod(env, path, parseBody(text)));
    return { status: 200, type: JSON_TYPE, body, headers: { 'X-Content-Type-Options': 'nosniff' } };
  } catch (error) {
    return errorAnswer(error);
  }
}

const ENV_OF = { integration: userEnv, admin: adminEnv, limited: limitedEnv };

/** Whose key it is. Beside the integration user's there are two made from it, of users with more and with no rights. */
function userOf(machine: Machine, request: IncomingMessage): keyof typeof ENV_OF {
  const [scheme = '', key = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme.toLowerCase() !== 'bearer' || !key) {
    throw unauthorized('User not authenticated, use an API Key with a Bearer Authorization header.');
  }
  const own = machine.store.meta.apiKey;
  if (key === own) return 'integration';
  if (key === `${own}-of-admin`) return 'admin';
  if (key === `${own}-of-limited-user`) return 'limited';
  throw unauthorized('Invalid apikey');
}

/** A body that is absent, or JSON but no object, counts as `{}`. */
function parseBody(text: string | null): Record<string, unknown> {
  if (!text) return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw badRequest(`could not parse the body as json: ${(error as Error).message}`);
  }
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Record<string, unknown>) : {};
}

/** The body as text; null for a chunked one, which the server never reads. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size > BODY_LIMIT) throw badRequest('body too large');
    parts.push(part as Buffer);
  }
  return request.headers['transfer-encoding'] ? null : Buffer.concat(parts).toString('utf8');
}

/** The control over HTTP: `POST /sandbox/<method>` with a JSON list of arguments. */
async function handleControl(exchange: Exchange, control: SandboxControl, path: string): Promise<void> {
  if (userOf(exchange.machine, exchange.request) !== 'integration') throw unauthorized('Invalid apikey');
  const name = path.slice('/sandbox/'.length);
  if (!Object.hasOwn(control, name)) throw notFound(`the sandbox has no '${name}'`);
  const args = JSON.parse((await readBody(exchange.request)) || '[]') as unknown[];
  const method = control[name as keyof SandboxControl] as (...given: unknown[]) => Promise<unknown>;
  send(exchange, { status: 200, type: JSON_TYPE, body: JSON.stringify((await method(...args)) ?? null) });
}

function errorAnswer(error: unknown): Answer {
  const known = error instanceof OdooError ? error : new OdooError(500, 'builtins.Exception', String(error));
  const headers: Record<string, string> = known.status === 401 ? { 'WWW-Authenticate': 'Bearer ' } : {};
  return { status: known.status, type: JSON_TYPE, body: JSON.stringify(known.body()), headers };
}

function send(exchange: Exchange, answer: Answer): void {
  const { response, machine } = exchange;
  if (response.headersSent || response.destroyed) return;
  response.sendDate = false;
  response.writeHead(answer.status, {
    Server: 'Werkzeug/2.2.2 Python/3.11.2',
    Date: new Date(machine.clock.nowMs()).toUTCString(),
    'Content-Type': answer.type,
    ...answer.headers,
    'Content-Length': Buffer.byteLength(answer.body),
    Connection: 'close',
  });
  response.end(answer.body);
}
