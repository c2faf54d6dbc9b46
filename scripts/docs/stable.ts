/**
 * Makes answers the same in every run: ids and secrets are drawn at random, so they are numbered in the order in which they
 * first appear. All else stays as it was answered.
 */
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const SECRET = /fb_[A-Za-z0-9_-]{43}/g;
/** As much of a secret as the API shows later. */
const SHOWN_PREFIX = /^fb_[A-Za-z0-9_-]{8}$/;

export type Stable = <T>(value: T) => T;

/** A function for one page: whatever JSON it is given, equal ids become equal numbers. */
export function stable(): Stable {
  const ids = new Map<string, string>();
  const secrets = new Map<string, string>();
  const id = (found: string): string =>
    remember(ids, found, `01a20000-0000-7000-8000-${String(ids.size + 1).padStart(12, '0')}`);
  const secret = (found: string): string => remember(secrets, found, `fb_example${secrets.size + 1}`.padEnd(46, 'x'));
  const prefix = (shown: string): string => {
    const whole = [...secrets.keys()].find((known) => known.startsWith(shown));
    return whole === undefined ? shown : secret(whole).slice(0, shown.length);
  };
  const text = (found: string): string =>
    SHOWN_PREFIX.test(found) ? prefix(found) : found.replaceAll(UUID, id).replaceAll(SECRET, secret);
  return (value) => mapTexts(value, text) as typeof value;
}

function remember(known: Map<string, string>, found: string, name: string): string {
  if (!known.has(found)) known.set(found, name);
  return known.get(found) ?? name;
}

/** The same JSON with every text in it replaced. */
export function mapTexts(value: unknown, change: (text: string) => unknown): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapTexts(item, change)]));
}
