/** Answers to what is no request of the API, or no HTTP at all: always JSON, in the shape of GraphQL's errors. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionError, FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '../ctx';
import { BillingError, clip, ERROR_CATALOGUE } from '../domain/errors';
import { extensionsOf, maskError } from '../resolvers/format-error';

const BAD_REQUEST = { code: 'BAD_REQUEST', retryable: false };

/** Fastify's error handler: ours by code, its own refusals (a body too large, not JSON, of another type), the rest masked. */
export function sendError(app: App, error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = error.statusCode ?? 500;
  if (!(error instanceof BillingError) && status >= 400 && status < 500) {
    return reply.code(status).send(errorBody(error.message, BAD_REQUEST));
  }
  const refusal = maskError(app.log, error, { requestId: request.id });
  if (refusal.code === 'UNAUTHENTICATED') void reply.header('www-authenticate', 'Bearer');
  return reply.code(statusOf(refusal)).send(errorBody(refusal.message, extensionsOf(refusal)));
}

export function sendNotFound(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.code(404).send(errorBody('There is nothing at this address.', { code: 'NOT_FOUND', retryable: false }));
}

/** For a method that an address does not take. */
export function sendNotAllowed(allowed: string) {
  return (_request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    reply
      .code(405)
      .header('allow', allowed)
      .send(errorBody(`Send ${allowed}.`, BAD_REQUEST));
}

/** For what breaks before there is a request: bytes that are no HTTP, headers too large, a body that never ends. */
export function answerSocket(error: ConnectionError, socket: Socket): void {
  // Nobody listens any more.
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy();
  const { status, message } = SOCKET_REFUSALS[error.code] ?? { status: 400, message: 'This is not HTTP.' };
  const body = JSON.stringify(errorBody(message, BAD_REQUEST));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

const SOCKET_REFUSALS: Readonly<Record<string, { status: number; message: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'The request did not arrive in time.' },
  HPE_HEADER_OVERFLOW: { status: 431, message: 'The headers are too large.' },
};

/** A limit on one request is no matter of time, which 429 would tell clients that send again by themselves. */
function statusOf({ code, retryable }: BillingError): number {
  return code === 'LIMIT_EXCEEDED' && !retryable ? 400 : ERROR_CATALOGUE[code].status;
}

function errorBody(message: string, extensions: Record<string, unknown>): object {
  return { errors: [{ message: clip(message), extensions }] };
}
