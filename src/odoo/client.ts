/**
 * The transport of Odoo's JSON-2: one POST a call, few at a time, behind a circuit. It knows no model. Nothing is tried
 * again here: the queue alone does that.
 */
import {
  bulkhead,
  BrokenCircuitError,
  BulkheadRejectedError,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleWhenResult,
  wrap,
} from 'cockatiel';
import type { Logger } from 'pino';
import { Agent, request } from 'undici';
import type { OdooConnection } from '../config';
import { classifyAnswer, type FaultKind, faultWithoutAnswer, OdooFault } from './fault';

/** `page` reads many records; `write` changes something, so that its outcome matters. */
export type CallKind = 'read' | 'page' | 'write';

/** Milliseconds we wait. Odoo retries a write itself for up to 17 s; below 45 s the time-out itself makes unknown outcomes. */
const CALL_TIMEOUT_MS: Readonly<Record<CallKind, number>> = { read: 30_000, page: 60_000, write: 60_000 };

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** Calls that wait for a free place; beyond it a call is refused at once. */
const MAX_WAITING = 1000;
const CIRCUIT = { failures: 5, firstOpenMs: 5_000, longestOpenMs: 60_000 };

export interface OdooCall {
  /** "sale.order.line" */
  model: string;
  /** "search_read" */
  method: string;
  kind: CallKind;
  /** `ids`, `context` and the method's parameters by name. */
  body: Readonly<Record<string, unknown>>;
}

export interface OdooAnswer {
  value: unknown;
  /** The server's clock when it answered, to the second. */
  serverTime: Date;
}

export interface OdooStatus {
  /** The last call got an answer from a working Odoo and the circuit is closed; true before the first call. */
  reachable: boolean;
  circuitOpen: boolean;
  /** What the last failed call met; null before the first. */
  lastError: string | null;
}

export interface OdooClient {
  /** @throws OdooFault */
  call(call: OdooCall): Promise<OdooAnswer>;
  status(): OdooStatus;
  close(): Promise<void>;
}

/** A call that has ended. */
export interface EndedCall {
  call: OdooCall;
  /** How the fault is to be taken; `held_back`: the call never left this process. */
  outcome: 'ok' | FaultKind | 'held_back';
  /** Null when it never left. */
  seconds: number | null;
}

export interface OdooClientOptions {
  /** Most calls at one time; keep it below Odoo's number of workers. */
  callsInFlight: number;
  log: Logger;
  /** Told of every call; it must not throw. */
  onCall?: (ended: EndedCall) => void;
  timeoutMs?: Readonly<Record<CallKind, number>>;
  /** How long the circuit stays open the first time; each further time twice as long, up to a minute. */
  circuitOpenMs?: number;
}

/** A client of one Odoo database. `close()` ends its connections. */
export function createOdooClient(connection: OdooConnection, options: OdooClientOptions): OdooClient {
  const { log } = options;
  const timeoutMs = options.timeoutMs ?? CALL_TIMEOUT_MS;
  // Without keep-alive (`pipelining: 0`) no call meets a connection that the other side has just closed, which for a
  // write would be an unknown outcome. Odoo itself closes after each answer anyway.
  const agent = new Agent({
    pipelining: 0,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    maxResponseSize: MAX_ANSWER_BYTES,
  });
  const circuit = circuitBreaker(
    handleWhenResult((result) => result instanceof OdooFault && result.serverTrouble),
    {
      breaker: new ConsecutiveBreaker(CIRCUIT.failures),
      halfOpenAfter: new ExponentialBackoff({
        initialDelay: options.circuitOpenMs ?? CIRCUIT.firstOpenMs,
        maxDelay: CIRCUIT.longestOpenMs,
      }),
    },
  );
  circuit.onBreak(() => log.error('circuit to Odoo opens'));
  circuit.onReset(() => log.info('circuit to Odoo closes'));
  const policy = wrap(bulkhead(options.callsInFlight, MAX_WAITING), circuit);
  let inTrouble = false;
  let lastError: string | null = null;

  async function attempt(call: OdooCall): Promise<OdooAnswer | OdooFault> {
    const startedAt = process.hrtime.bigint();
    const result = await send({ agent, connection, timeoutMs: timeoutMs[call.kind] }, call);
    const durationMs = Number((process.hrtime.bigint() - startedAt) / 1_000_000n);
    const outcome = result instanceof OdooFault ? result.kind : 'ok';
    options.onCall?.({ call, outcome, seconds: durationMs / 1000 });
    const about = { model: call.model, method: call.method, durationMs };
    if (result instanceof OdooFault) {
      const { kind, outcome, status, odooName } = result;
      log.warn({ ...about, kind, outcome, status, odooName, reason: result.message }, 'call to Odoo failed');
      inTrouble = result.serverTrouble;
      lastError = result.message;
    } else {
      log.debug(about, 'call to Odoo');
      inTrouble = false;
    }
    return result;
  }

  return {
    async call(call) {
      const result = await policy
        .execute(() => attempt(call))
        .catch((error: unknown) => {
          const refusal = refused(error);
          options.onCall?.({ call, outcome: 'held_back', seconds: null });
          return refusal;
        });
      if (result instanceof OdooFault) throw result;
      return result;
    },
    status() {
      const circuitOpen = circuit.state === CircuitState.Open || circuit.state === CircuitState.Isolated;
      return { reachable: !circuitOpen && !inTrouble, circuitOpen, lastError };
    },
    close: () => agent.destroy(),
  };
}

/** The policies' own refusals: nothing left this process. */
function refused(error: unknown): OdooFault {
  const parts = { kind: 'retryable', outcome: 'not-sent', serverTrouble: false, status: null, odooName: null } as const;
  if (error instanceof BrokenCircuitError)
    return new OdooFault('Odoo is down; calls are held back for a while.', parts);
  if (error instanceof BulkheadRejectedError) return new OdooFault('Too many calls to Odoo are waiting.', parts);
  throw error;
}

interface Transport {
  agent: Agent;
  connection: OdooConnection;
  timeoutMs: number;
}

/** One POST. The body is a string, so that Content-Length is sent: Odoo silently ignores a chunked body. */
async function send(transport: Transport, call: OdooCall): Promise<OdooAnswer | OdooFault> {
  const { agent, connection, timeoutMs } = transport;
  const body = JSON.stringify(call.body);
  let answer: { status: number; contentType: string; date: string; text: string };
  try {
    const response = await request(`${connection.url}/json/2/${call.model}/${call.method}`, {
      method: 'POST',
      dispatcher: agent,
      headers: {
        authorization: `bearer ${connection.apiKey}`,
        'content-type': 'application/json',
        'x-odoo-database': connection.database,
        accept: 'application/json',
      },
      body,
      signal: AbortSignal.timeout(timeoutMs),
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const header = (name: string): string => String(response.headers[name] ?? '');
    answer = {
      status: response.statusCode,
      contentType: header('content-type'),
      date: header('date'),
      text: await response.body.text(),
    };
  } catch (error) {
    return faultWithoutAnswer(error, timeoutMs);
  }
  return judge(answer);
}

function judge(answer: { status: number; contentType: string; date: string; text: string }): OdooAnswer | OdooFault {
  const isJson = /^application\/json\b/i.test(answer.contentType);
  const value = isJson ? parseJson(answer.text) : undefined;
  const serverTime = new Date(answer.date);
  if (answer.status === 200 && value !== undefined && !Number.isNaN(serverTime.getTime())) return { value, serverTime };
  const { name, message } = errorBody(value);
  const facts = { status: answer.status, isJson, odooName: name };
  const what = message ?? (isJson ? 'an answer we cannot read' : `${answer.contentType || 'no content type'}, no JSON`);
  const prefix = `Odoo answered ${answer.status}${name === null ? '' : ` ${name.split('.').at(-1) ?? name}`}: `;
  return new OdooFault(prefix + what.trim(), { ...classifyAnswer(facts), status: answer.status, odooName: name });
}

/** The value, or undefined when the text is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Name and message of Odoo's JSON error; `debug`, a traceback with paths and source, is dropped here. */
function errorBody(value: unknown): { name: string | null; message: string | null } {
  if (typeof value !== 'object' || value === null) return { name: null, message: null };
  const { name, message } = value as { name?: unknown; message?: unknown };
  return { name: typeof name === 'string' ? name : null, message: typeof message === 'string' ? message : null };
}
