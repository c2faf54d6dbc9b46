import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { createOdooClient, type OdooClient, type OdooClientOptions } from '../../src/odoo/client';
import { OdooFault } from '../../src/odoo/fault';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

let server: Server;
let handler: Handler;
let seen: { url: string | undefined; headers: IncomingMessage['headers']; body: string }[];
const clients: OdooClient[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      seen.push({ url: request.url, headers: request.headers, body });
      handler(request, response, body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
beforeEach(() => {
  seen = [];
  handler = json(200, []);
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  server.closeAllConnections();
  server.close();
});

function client(options: Partial<OdooClientOptions> = {}, url?: string): OdooClient {
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connection = { url: url ?? address, database: 'nexa', apiKey: 'secret-key' };
  const made = createOdooClient(connection, { callsInFlight: 2, log: pino({ level: 'silent' }), ...options });
  clients.push(made);
  return made;
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Handler {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', connection: 'close', ...headers });
    response.end(JSON.stringify(body));
  };
}

const html =
  (status: number): Handler =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'set-cookie': 'session_id=1; Path=/' });
    response.end('<!DOCTYPE html><p>No database is selected</p>');
  };

const reading = { model: 'sale.order', method: 'search_read', kind: 'page', body: { domain: [] } } as const;
const writing = { model: 'sale.order.line', method: 'web_save', kind: 'write', body: { ids: [1] } } as const;

async function faultOf(promise: Promise<unknown>): Promise<OdooFault> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof OdooFault) return error;
  throw new Error(`no fault: ${String(error)}`);
}

it('a call is one POST with Content-Length, key and database, and answers the bare value with the server clock', async () => {
  handler = json(200, [{ id: 1, name: 'é' }], { date: 'Sun, 22 Nov 2026 09:10:51 GMT' });
  const answer = await client().call({ ...reading, body: { domain: [['name', '=', 'é']] } });
  expect(answer).toEqual({ value: [{ id: 1, name: 'é' }], serverTime: new Date('2026-11-22T09:10:51Z') });
  expect(seen).toHaveLength(1);
  const [{ url, headers, body }] = seen as [(typeof seen)[number]];
  expect(url).toBe('/json/2/sale.order/search_read');
  expect(body).toBe('{"domain":[["name","=","é"]]}');
  expect(headers['content-length']).toBe('30');
  expect(headers['transfer-encoding']).toBeUndefined();
  expect(headers).toMatchObject({
    authorization: 'bearer secret-key',
    'content-type': 'application/json',
    'x-odoo-database': 'nexa',
  });
});

it('a cookie that is set is not sent back', async () => {
  const odoo = client();
  handler = html(404);
  await faultOf(odoo.call(reading));
  handler = json(200, []);
  await odoo.call(reading);
  expect(seen[1]?.headers.cookie).toBeUndefined();
});

it('an HTML 404 is an outage, never a missing record', async () => {
  handler = html(404);
  const odoo = client();
  const fault = await faultOf(odoo.call(reading));
  expect(fault).toMatchObject({ kind: 'retryable', status: 404, odooName: null, outcome: 'rejected' });
  expect(odoo.status()).toMatchObject({ reachable: false, circuitOpen: false });
});

it("a refusal keeps Odoo's name and a short message, and nothing of its traceback", async () => {
  const name = 'odoo.exceptions.UserError';
  handler = json(422, {
    name,
    message: `Locked ${'x'.repeat(1000)}`,
    arguments: [],
    context: {},
    debug: 'Traceback /opt',
  });
  const odoo = client();
  const fault = await faultOf(odoo.call(writing));
  expect(fault).toMatchObject({ kind: 'permanent', outcome: 'rejected', status: 422, odooName: name });
  expect(fault.message).toHaveLength(300);
  expect(fault.message).toMatch(/^Odoo answered 422 UserError: Locked x/);
  expect(JSON.stringify({ ...fault })).not.toContain('Traceback');
  expect(odoo.status().reachable).toBe(true);
});

it('a write whose connection is reset has an unknown outcome', async () => {
  handler = (request) => request.socket.destroy();
  expect(await faultOf(client().call(writing))).toMatchObject({ kind: 'retryable', outcome: 'unknown', status: null });
});

it('a write whose answer breaks off has an unknown outcome', async () => {
  handler = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('[{"id":');
    setTimeout(() => response.socket?.destroy(), 20);
  };
  expect(await faultOf(client().call(writing))).toMatchObject({ kind: 'retryable', outcome: 'unknown' });
});

it('a write that is not answered in time has an unknown outcome', async () => {
  handler = () => undefined;
  const odoo = client({ timeoutMs: { read: 100, page: 100, write: 100 } });
  const fault = await faultOf(odoo.call(writing));
  expect(fault).toMatchObject({ kind: 'retryable', outcome: 'unknown' });
  expect(fault.message).toBe('Odoo did not answer within 0.1 s.');
});

it('a write to an address where nobody listens was not sent', async () => {
  const odoo = client({}, 'http://127.0.0.1:9');
  expect(await faultOf(odoo.call(writing))).toMatchObject({ kind: 'retryable', outcome: 'not-sent' });
});

it('a 200 that is no JSON is not taken for an answer', async () => {
  handler = html(200);
  expect(await faultOf(client().call(writing))).toMatchObject({ kind: 'permanent', outcome: 'unknown', status: 200 });
});

it('no more calls are under way than allowed', async () => {
  let running = 0;
  let most = 0;
  handler = (_request, response) => {
    running += 1;
    most = Math.max(most, running);
    setTimeout(() => {
      running -= 1;
      json(200, [])(_request, response, '');
    }, 30);
  };
  const odoo = client({ callsInFlight: 2 });
  await Promise.all(Array.from({ length: 8 }, () => odoo.call(reading)));
  expect(most).toBe(2);
  expect(seen).toHaveLength(8);
});

it('after five failures in a row nothing is sent until the circuit has rested, and one success closes it', async () => {
  handler = html(404);
  const odoo = client({ circuitOpenMs: 150 });
  for (let call = 0; call < 5; call += 1) await faultOf(odoo.call(reading));
  expect(odoo.status()).toMatchObject({ reachable: false, circuitOpen: true });
  const heldBack = await faultOf(odoo.call(writing));
  expect(heldBack).toMatchObject({ kind: 'retryable', outcome: 'not-sent' });
  expect(seen).toHaveLength(5);
  handler = json(200, []);
  await sleep(400);
  await odoo.call(reading);
  expect(odoo.status()).toMatchObject({ reachable: true, circuitOpen: false });
});

it('refusals of single calls do not open the circuit', async () => {
  handler = json(422, { name: 'odoo.exceptions.UserError', message: 'no' });
  const odoo = client();
  for (let call = 0; call < 10; call += 1) await faultOf(odoo.call(writing));
  expect(seen).toHaveLength(10);
  expect(odoo.status()).toMatchObject({ reachable: true, circuitOpen: false });
});
