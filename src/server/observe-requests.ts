/** Times every HTTP request by its route, and with tracing on makes it the root of what happens inside. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { App } from '../ctx';
import type { RequestSpan, Tracing } from '../telemetry/tracing';

/** Methods that are shown by name: whatever else a client invents is one label. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** To be called before anything that does the work of a request is added to `server`. */
export function observeRequests(app: App, server: FastifyInstance): void {
  server.addHook('onResponse', async (request, reply) => {
    const labels = { ...shown(request), status: String(reply.statusCode) };
    app.metrics.httpRequests.observe(labels, reply.elapsedTime / 1000);
  });
  if (app.tracing !== null) traceRequests(app.tracing, server);
}

/** The route as it was declared, never the address as it was sent. */
function shown(request: FastifyRequest): { method: string; route: string } {
  const method = METHODS.has(request.method) ? request.method : 'other';
  return { method, route: request.is404 ? 'none' : (request.routeOptions.url ?? 'none') };
}

function traceRequests(tracing: Tracing, server: FastifyInstance): void {
  const spans = new WeakMap<FastifyRequest, RequestSpan>();
  server.addHook('onRequest', (request, _reply, done) => {
    const span = tracing.request(request.headers);
    spans.set(request, span);
    span.enter(done);
  });
  server.addHook('onResponse', async (request, reply) => {
    const { method, route } = shown(request);
    spans.get(request)?.end({
      name: `${method} ${route}`,
      attributes: {
        'http.request.method': method,
        'http.route': route,
        'http.response.status_code': reply.statusCode,
        'http.request.id': request.id,
      },
      failed: reply.statusCode >= 500,
    });
  });
}
