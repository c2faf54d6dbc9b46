/**
 * The first thing main imports: tracing must patch pg and undici before anything requires them. Nothing of it is loaded while
 * no exporter is configured.
 */
import { loadTracingSettings } from '../config';
import type * as Traces from './tracing';

export const tracing: Traces.Tracing | null = start();

function start(): Traces.Tracing | null {
  const settings = loadTracingSettings();
  if (settings === null) return null;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- an import would load the SDK in every process
  const { startTracing } = require('./tracing') as typeof Traces;
  return startTracing(settings);
}
