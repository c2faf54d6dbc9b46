/** Compares an answer with the recorded one: status, headers, error name, shape to the last key and type, and values. */

export interface Recorded {
  status: number | null;
  headers: Record<string, string>;
  body: unknown;
}

const HEADERS = ['date', 'content-type', 'connection', 'www-authenticate', 'accept', 'x-content-type-options'];

/** Differences as readable lines, empty when the answer is as recorded. `free` names fields whose values may differ, not their type. */
export function differences(recorded: Recorded, answer: Recorded, free: readonly string[] = []): string[] {
  const found: string[] = [];
  if (recorded.status !== answer.status) found.push(`status ${answer.status}, recorded ${recorded.status}`);
  const headers = new Map(Object.entries(recorded.headers).map(([name, value]) => [name.toLowerCase(), value]));
  for (const name of HEADERS) {
    if (headers.get(name)?.trim() !== answer.headers[name]) {
      found.push(`header ${name}: ${answer.headers[name]}, recorded ${headers.get(name)}`);
    }
  }
  const isError = typeof recorded.body === 'object' && recorded.body !== null && 'debug' in recorded.body;
  compare(
    { path: 'body', recorded: recorded.body, answer: answer.body },
    isError ? [...free, 'message', 'arguments'] : free,
    found,
  );
  return found;
}

interface Pair {
  path: string;
  recorded: unknown;
  answer: unknown;
}

function compare(pair: Pair, free: readonly string[], found: string[]): void {
  const { path, recorded, answer } = pair;
  const [left, right] = [kindOf(recorded), kindOf(answer)];
  if (left !== right) {
    found.push(`${path}: ${right} ${JSON.stringify(answer)}, recorded ${left} ${JSON.stringify(recorded)}`);
    return;
  }
  const last = path.slice(path.lastIndexOf('.') + 1).replace(/\[\d+\]/g, '');
  if (free.includes(last)) return;
  if (Array.isArray(recorded)) compareLists({ path, recorded, answer }, free, found);
  else if (left === 'object') compareObjects(pair, free, found);
  else if (recorded !== answer) found.push(`${path}: ${JSON.stringify(answer)}, recorded ${JSON.stringify(recorded)}`);
}

function compareLists(pair: Pair, free: readonly string[], found: string[]): void {
  const [recorded, answer] = [pair.recorded as unknown[], pair.answer as unknown[]];
  const cut = cutOf(recorded[0]);
  const expected = cut ? cut.records : recorded.length;
  if (answer.length !== expected) found.push(`${pair.path}: ${answer.length} items, recorded ${expected}`);
  recorded.forEach((item, index) =>
    compare({ path: `${pair.path}[${index}]`, recorded: item, answer: answer[index] }, free, found),
  );
}

function compareObjects(pair: Pair, free: readonly string[], found: string[]): void {
  const [recorded, answer] = [pair.recorded as Record<string, unknown>, pair.answer as Record<string, unknown>];
  const cut = cutOf(recorded);
  const keys = Object.keys(recorded).filter((key) => key !== '…');
  const expected = cut ? cut.fields : keys.length;
  if (Object.keys(answer).length !== expected) {
    found.push(`${pair.path}: keys ${Object.keys(answer).join()}, recorded ${cut ? expected : keys.join()}`);
  }
  for (const key of keys) {
    if (!(key in answer)) found.push(`${pair.path}.${key}: absent`);
    else compare({ path: `${pair.path}.${key}`, recorded: recorded[key], answer: answer[key] }, free, found);
  }
}

/** A long recorded answer was cut to one record and a note: "107 fields in each record, 28 record(s)". */
function cutOf(item: unknown): { fields: number; records: number } | undefined {
  if (typeof item !== 'object' || item === null || !('…' in item)) return undefined;
  const [fields = 0, records = 0] = (String(item['…']).match(/\d+/g) ?? []).map(Number);
  return { fields, records };
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'list' : typeof value;
}
