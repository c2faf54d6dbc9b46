/** The end of a process in order: what was started last is stopped first, so the database goes last. */
import type { Logger } from 'pino';

/** How long each part may take to finish what is under way. */
const DRAIN_LIMIT_MS = 30_000;

export interface Part {
  name: string;
  stop: () => Promise<void>;
  /** How long it may take, when it knows better than the others: a database that writes its checkpoint. */
  limitMs?: number;
}

/** Stops all `parts`, the newest first, whatever fails; false when one did not end in order or in time. */
export async function takeDown(
  parts: readonly Part[],
  log: Logger | undefined,
  limitMs = DRAIN_LIMIT_MS,
): Promise<boolean> {
  let clean = true;
  for (const part of [...parts].reverse()) {
    try {
      await withinLimit(part.stop(), part.limitMs ?? limitMs);
    } catch (error) {
      clean = false;
      log?.error({ err: error }, `${part.name} did not stop in order`);
    }
  }
  return clean;
}

async function withinLimit(work: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`still busy after ${limitMs} ms`)), limitMs);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
