/** A plain JSON-2 call to a sandbox, and the few questions the sandbox tests ask again and again. */
import type { Sandbox } from '../../sandbox/sandbox';

export interface CallAnswer {
  status: number;
  type: string;
  body: unknown;
}

export interface CallOptions {
  apiKey?: string;
  timeoutMs?: number;
}

type Address = Pick<Sandbox, 'url' | 'apiKey'>;

export async function callOdoo(
  sandbox: Address,
  call: { path: string; body: unknown },
  options: CallOptions = {},
): Promise<CallAnswer> {
  const response = await fetch(`${sandbox.url}/json/2/${call.path}`, {
    method: 'POST',
    headers: { authorization: `bearer ${options.apiKey ?? sandbox.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(call.body),
    signal: AbortSignal.timeout(options.timeoutMs ?? 5000),
  });
  const type = response.headers.get('content-type') ?? '';
  const text = await response.text();
  return { status: response.status, type, body: type.startsWith('application/json') ? JSON.parse(text) : text };
}

/** Writes a delivered quantity as the client does, and gives back what was read in the same call. */
export async function deliver(sandbox: Address, lineId: number, quantity: number, options: CallOptions = {}) {
  const specification = { qty_delivered: {}, qty_invoiced: {}, qty_to_invoice: {} };
  const body = { ids: [lineId], vals: { qty_delivered: quantity }, specification };
  return callOdoo(sandbox, { path: 'sale.order.line/web_save', body }, options);
}

export async function readLine(sandbox: Address, lineId: number): Promise<Record<string, unknown>> {
  const fields = ['qty_delivered', 'qty_invoiced', 'qty_to_invoice', 'invoice_status', 'write_date'];
  const answer = await callOdoo(sandbox, { path: 'sale.order.line/read', body: { ids: [lineId], fields } });
  return (answer.body as Record<string, unknown>[])[0] ?? {};
}

export async function readOrder(sandbox: Address, orderId: number): Promise<Record<string, unknown>> {
  const fields = ['next_invoice_date', 'invoice_ids', 'invoice_status', 'amount_total', 'write_date'];
  const answer = await callOdoo(sandbox, { path: 'sale.order/read', body: { ids: [orderId], fields } });
  return (answer.body as Record<string, unknown>[])[0] ?? {};
}

/** Posted quantities of an order line, oldest invoice first: "2026-02-01 90". */
export async function billed(sandbox: Address, lineId: number): Promise<string[]> {
  const body = {
    domain: [
      ['sale_line_ids', 'in', [lineId]],
      ['parent_state', '=', 'posted'],
    ],
    fields: ['quantity', 'move_id'],
    order: 'id',
    load: null,
  };
  const lines = (await callOdoo(sandbox, { path: 'account.move.line/search_read', body })).body as {
    quantity: number;
    move_id: number;
  }[];
  const read = { ids: lines.map((line) => line.move_id), fields: ['invoice_date'] };
  const moves = (await callOdoo(sandbox, { path: 'account.move/read', body: read })).body as {
    id: number;
    invoice_date: string;
  }[];
  return lines.map((line) => `${moves.find((move) => move.id === line.move_id)?.invoice_date} ${line.quantity}`);
}
