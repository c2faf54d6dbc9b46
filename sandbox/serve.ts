/** Runs a sandbox as a process of its own: `serve --port 8069 --state file --load demo --now 2026-01-01T00:00:00Z --key abc`. */
import { parseArgs } from 'node:util';
import { startSandbox, type SandboxOptions } from './sandbox';

async function serve(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      state: { type: 'string' },
      load: { type: 'string' },
      now: { type: 'string' },
      key: { type: 'string' },
    },
  });
  const options: SandboxOptions = { port: Number(values.port ?? 0) };
  if (values.state !== undefined) options.stateFile = values.state;
  if (values.key !== undefined) options.apiKey = values.key;
  if (values.now !== undefined) options.now = new Date(values.now);
  if (values.load === 'demo' || values.load === 'recorded' || values.load === 'empty') options.load = values.load;
  else if (values.load !== undefined) throw new Error(`--load ${values.load}: demo, recorded or empty`);
  const { url, database, apiKey, close } = await startSandbox(options);
  process.stdout.write(`${JSON.stringify({ url, database, apiKey })}\n`);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void close());
}

serve().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
