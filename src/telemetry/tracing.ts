/**
 * Traces, sent over OTLP. This file loads the SDK, and the SDK patches pg and undici when they are first required: so it is
 * required before them, and only when an exporter is configured (preload.ts). What leaves is names, times, codes and our
 * own SQL; never a parameter, a key, or the text of an error, which may quote what a client sent.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  context,
  diag,
  DiagLogLevel,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';
import type { Logger } from 'pino';
import type { TracingSettings } from '../config';

/** How the rest of the code traces; the App has none while no exporter is configured. */
export interface Tracing {
  /** Runs `work` in a span under the active one. A failure marks the span and passes on. */
  span<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Runs `work` as a trace of its own. */
  trace<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Begins the span of an incoming request, under the caller's own when it sent a `traceparent`. */
  request(headers: Readonly<Record<string, unknown>>): RequestSpan;
  /** From here on the log learns of spans that cannot be delivered. */
  logTo(log: Logger): void;
  /** Delivers what is left, as far as that goes. */
  stop(): Promise<void>;
}

export interface RequestSpan {
  /** Runs `work` inside the span. */
  enter(work: () => void): void;
  end(answer: { name: string; attributes: Record<string, string | number>; failed: boolean }): void;
}

/** How long the last spans may take to leave when the process ends. */
const STOP_LIMIT_MS = 3_000;
/** Calls of JSON-2: "/json/2/sale.order.line/web_save". */
const ODOO_PATH = /^\/json\/2\/([\w.]+)\/(\w+)$/;

export function startTracing(settings: TracingSettings): Tracing {
  const processor = new DiscreetProcessor(new OTLPTraceExporter({ url: settings.url }));
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': settings.serviceName }),
    sampler: samplerOf(settings),
    spanProcessors: [processor],
  });
  provider.register();
  registerInstrumentations({
    tracerProvider: provider,
    instrumentations: [
      // Without a parent are the polls of the queue and the heartbeat: they would be traces that tell nothing.
      new PgInstrumentation({ requireParentSpan: true, ignoreConnectSpans: true, enhancedDatabaseReporting: false }),
      new UndiciInstrumentation({ requireParentforSpans: true, requestHook: nameOdooCall }),
    ],
  });
  const tracer = trace.getTracer('fusion-billing');
  return {
    span: (name, work) => tracer.startActiveSpan(name, (span) => finish(span, work)),
    trace: (name, work) =>
      tracer.startActiveSpan(name, { kind: SpanKind.CONSUMER, root: true }, (span) => finish(span, work)),
    request(headers): RequestSpan {
      const parent = propagation.extract(ROOT_CONTEXT, headers);
      const span = tracer.startSpan('request', { kind: SpanKind.SERVER }, parent);
      const inside = trace.setSpan(parent, span);
      return {
        enter: (work) => context.with(inside, work),
        end({ name, attributes, failed }): void {
          span.updateName(name);
          span.setAttributes(attributes);
          if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
    logTo(log): void {
      const warn = (message: string): void => log.warn({ component: 'traces', reason: message }, 'traces');
      diag.setLogger({ error: warn, warn, info: silent, debug: silent, verbose: silent }, DiagLogLevel.WARN);
    },
    async stop(): Promise<void> {
      // Nobody waits for a collector that is down.
      const limit = sleep(STOP_LIMIT_MS, undefined, { ref: false });
      const lost = (error: unknown): void => diag.error(String(error));
      await Promise.race([provider.shutdown().catch(lost), limit]);
    },
  };
}

/** Sends spans in batches, without the texts of errors. */
class DiscreetProcessor extends BatchSpanProcessor {
  override onEnd(span: ReadableSpan): void {
    delete span.status.message;
    for (const event of span.events) {
      delete event.attributes?.['exception.message'];
      delete event.attributes?.['exception.stacktrace'];
    }
    super.onEnd(span);
  }
}

async function finish<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, name } = error as { code?: unknown; name?: unknown };
    span.setAttribute('error.type', String(code ?? name ?? 'unknown'));
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

function nameOdooCall(span: Span, request: { path: string }): void {
  const [, model, method] = ODOO_PATH.exec(request.path) ?? [];
  if (model !== undefined) span.updateName(`Odoo ${model} ${method}`);
}

function samplerOf({ sampler, ratio }: TracingSettings): Sampler {
  const root = sampler.replace('parentbased_', '');
  const chosen = { always_on: AlwaysOnSampler, always_off: AlwaysOffSampler }[root];
  const own = chosen === undefined ? new TraceIdRatioBasedSampler(ratio) : new chosen();
  return sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root: own }) : own;
}

function silent(): void {
  return undefined;
}
