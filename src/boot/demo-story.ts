/** The demo: a month of one customer, told step by step through the public API, each number with what it means. */
import type { Logger } from 'pino';
import type { Config } from '../config';
import { BootError } from './boot-error';
import { tellStory } from './demo-chapters';
import { openDemoInstance } from './demo-instance';

/** One step as `--json` prints it. */
export interface DemoStep {
  /** The instant at which the story stands. */
  at: string;
  step: string;
  value: string;
  meaning: string;
}

export interface DemoOptions {
  config: Config;
  log: Logger;
  /** Takes what there is to print. */
  say: (text: string) => void;
  /** All steps at the end, as a list, instead of one by one as text. */
  json?: boolean;
}

const START = new Date('2026-03-01T08:00:00Z');
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Plays the demo on a database of its own, which is removed at the end, after a failure, after Ctrl-C, and when
 * nobody reads on.
 * @throws BootError in production, and when it was interrupted.
 */
export async function playDemo({ config, log, say, json = false }: DemoOptions): Promise<void> {
  if (config.production) {
    throw new BootError('The demo is not played in production (DATABASE_URL and ODOO_URL are set).');
  }
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort(new BootError('Interrupted; nothing of the demo is left.'));
  for (const signal of SIGNALS) process.on(signal, interrupt);
  // Whoever read our output has gone, as `| head` does.
  process.stdout.on('error', interrupt);
  const steps: DemoStep[] = [];
  try {
    const demo = await openDemoInstance(config, log, START);
    const tell = (step: string, value: string, meaning: string): void => {
      // Between two steps is the moment to stop: nothing is under way.
      interruption.signal.throwIfAborted();
      const told = { at: demo.now().toISOString(), step, value, meaning };
      steps.push(told);
      if (!json) say(print(told));
    };
    await tellStory(demo, tell).finally(() => demo.close());
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt);
    process.stdout.off('error', interrupt);
  }
  if (json) say(JSON.stringify(steps));
}

function print({ at, step, value, meaning }: DemoStep): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)}  ${step}: ${value}\n                  ${meaning}\n`;
}
