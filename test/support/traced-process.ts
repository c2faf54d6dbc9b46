/**
 * Makes two spans with the settings it is given and ends: a process of its own, because the exporter is loaded in a way that
 * the tests' runner does not support. Prints what it logged as JSON.
 */
import { SpanStatusCode, trace } from '@opentelemetry/api';
import pino from 'pino';
import type { TracingSettings } from '../../src/config';
import { startTracing } from '../../src/telemetry/tracing';

/** What must never leave. */
export const CLIENT_TEXT = 'the text of a client';

async function run(settings: TracingSettings): Promise<void> {
  const logged: unknown[] = [];
  const tracing = startTracing(settings);
  tracing.logTo(pino({ level: 'warn' }, { write: (line: string) => void logged.push(JSON.parse(line)) }));
  await tracing
    .span('failing', () => {
      // As the instrumentation of pg does it with the message of PostgreSQL.
      const statement = trace.getTracer('pg').startSpan('statement');
      statement.setStatus({ code: SpanStatusCode.ERROR, message: CLIENT_TEXT });
      statement.recordException(new Error(CLIENT_TEXT));
      statement.end();
      return Promise.reject(Object.assign(new Error(CLIENT_TEXT), { code: '22P02' }));
    })
    .catch((error: unknown) => logged.push({ thrown: String(error) }));
  await tracing.stop();
  process.stdout.write(JSON.stringify(logged));
}

if (require.main === module) void run(JSON.parse(process.argv[2] ?? '') as TracingSettings);
