/** The exchanges recorded from a real server, in the order in which they happened. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Recorded } from './compare';

const FOLDER = join(__dirname, 'exchanges');

interface RecordedExchange {
  name: string;
  request: { method: string; path: string; headers: Record<string, string>; body: unknown };
  response: Recorded;
}

export interface Exchange extends RecordedExchange {
  /** Three digits, also the order. */
  number: string;
}

export function loadExchanges(): Exchange[] {
  return readdirSync(FOLDER)
    .sort()
    .map((file) => ({
      number: file.slice(0, 3),
      ...(JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as RecordedExchange),
    }));
}

/** "sale.order/search_read", or undefined when it is no JSON-2 call. */
export function callOf({ request }: Exchange): string | undefined {
  return /^\/json\/2\/([\w.]+\/\w+)(?:\?|$)/.exec(request.path)?.[1];
}
