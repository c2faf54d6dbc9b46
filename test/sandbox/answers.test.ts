/**
 * The recorded exchanges in the other direction: a server gives the recorded answers, byte for byte what Odoo said, and
 * our client makes of each what it means.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { Decimal } from '../../src/domain/decimal';
import { createOdooClient, type OdooClient } from '../../src/odoo/client';
import * as models from '../../src/odoo/models';
import { readServerTime, readSlot, readWindow, saveDelivered, searchIds } from '../../src/odoo/records';
import { clientCalls } from './client-calls';
import { callOf, loadExchanges, type Exchange } from './exchanges';

/** What each refusal means, by the number of its exchange, written by hand. */
const REFUSALS: { kind: string; outcome: string; numbers: string[] }[] = [
  { kind: 'unauthenticated', outcome: 'rejected', numbers: ['007', '008', '009', '010', '011', '012'] },
  // No database is selected, or its server is down.
  { kind: 'retryable', outcome: 'rejected', numbers: ['013', '014', '505', '506'] },
  // No connection was free, somewhere on the way.
  { kind: 'retryable', outcome: 'unknown', numbers: ['504'] },
  { kind: 'permanent', outcome: 'rejected', numbers: ['016', '017', '018', '019', '020', '028', '029', '140', '144'] },
  { kind: 'permanent', outcome: 'rejected', numbers: ['209', '210', '211', '300', '301', '302', '303', '304', '305'] },
  { kind: 'permanent', outcome: 'rejected', numbers: ['306', '307', '308', '309', '310', '313', '314', '315', '316'] },
  { kind: 'permanent', outcome: 'rejected', numbers: ['317', '318', '319', '320'] },
];

const WINDOW = { from: null, afterId: 0, limit: 100 };
const log = pino({ level: 'silent' });
const ours: Exchange[] = [];
let server: Server;
let url: string;
let answering: Exchange;

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      const { status, headers, body } = answering.response;
      response.sendDate = false;
      response.writeHead(status ?? 0, headers);
      response.end(headers['Content-Type']?.startsWith('application/json') ? JSON.stringify(body) : String(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const calls = await clientCalls();
  ours.push(...loadExchanges().filter((exchange) => calls.has(callOf(exchange) ?? '')));
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

/** A client of its own for each answer, so that no circuit opens over all the troubles. */
async function answered<T>(exchange: Exchange, ask: (odoo: OdooClient) => Promise<T>): Promise<T> {
  answering = exchange;
  const odoo = createOdooClient({ url, database: 'nexa', apiKey: 'key' }, { callsInFlight: 1, log });
  try {
    return await ask(odoo);
  } finally {
    await odoo.close();
  }
}

function asked(exchange: Exchange): Promise<{ value: unknown; serverTime: Date }> {
  const [model = '', method = ''] = (callOf(exchange) ?? '').split('/');
  const kind = method === 'web_save' ? 'write' : 'page';
  return answered(exchange, (odoo) => odoo.call({ model, method, kind, body: {} }));
}

const served = (): Exchange[] => ours.filter(({ response }) => response.status === 200);
const refused = (): Exchange[] => ours.filter(({ response }) => response.status !== 200);
const of = (method: string): Exchange[] => served().filter((exchange) => callOf(exchange)?.endsWith(`/${method}`));

test('every answer with data is handed on as it is, with the clock of the server', async () => {
  expect(served().length).toBeGreaterThan(60);
  for (const exchange of served()) {
    const { value, serverTime } = await asked(exchange);
    expect(value).toEqual(exchange.response.body);
    expect(serverTime).toEqual(new Date(exchange.response.headers.Date ?? ''));
  }
});

test('every refusal is the fault that it means', async () => {
  const meant = REFUSALS.flatMap(({ numbers, ...fault }) => numbers.map((number) => ({ number, ...fault })));
  expect(meant.map(({ number }) => number).sort()).toEqual(refused().map(({ number }) => number));
  for (const exchange of refused()) {
    const { kind, outcome } = meant.find(({ number }) => number === exchange.number) ?? {};
    const { status, body } = exchange.response;
    const odooName = (body as { name?: string }).name ?? null;
    const fault = { name: 'OdooFault', kind, outcome, status, odooName };
    await expect(asked(exchange)).rejects.toMatchObject(fault);
  }
});

test('a page of records, and a page of ids, are read whatever the fields', async () => {
  const byName = new Map(Object.values(models).map((model) => [model.name, model]));
  const modelOf = (exchange: Exchange): models.OdooModel => {
    const model = byName.get((callOf(exchange) ?? '').split('/')[0] ?? '');
    if (model === undefined) throw new Error(`${exchange.number} is of another model`);
    return model;
  };
  for (const exchange of of('search_read')) {
    const { records } = await answered(exchange, (odoo) => readWindow(odoo, modelOf(exchange), WINDOW));
    expect(records).toEqual(exchange.response.body);
  }
  for (const exchange of of('search')) {
    const ids = await answered(exchange, (odoo) => searchIds(odoo, modelOf(exchange), { afterId: 0, limit: 100 }));
    expect(ids).toEqual(exchange.response.body);
  }
  expect([of('search_read').length, of('search').length].every((count) => count > 0)).toBe(true);
});

test("the server's clock is read from the cheapest call", async () => {
  for (const exchange of of('context_get')) {
    const time = await answered(exchange, readServerTime);
    expect(time).toEqual(new Date(exchange.response.headers.Date ?? ''));
  }
  expect(of('context_get')).not.toEqual([]);
});

test('a slot whose reading lacks what was asked for is no reading: what a write did stays unknown', async () => {
  const fault = { kind: 'permanent', outcome: 'unknown', status: 200 };
  for (const exchange of [...of('web_save'), ...of('web_read')]) {
    const write = answered(exchange, (odoo) => saveDelivered(odoo, 7, new Decimal(1)));
    await expect(write).rejects.toMatchObject(fault);
    await expect(answered(exchange, (odoo) => readSlot(odoo, 7))).rejects.toMatchObject(fault);
  }
  expect(of('web_save')).not.toEqual([]);
});
