/** What `npm start` prints when everything runs: where things are, the demo's key, and a command to try. */
import type { ReadyConfig } from '../ctx';

/** What the demo's first command needs to know. */
export interface DemoExample {
  key: string;
  account: string;
  metric: string;
}

export interface Announcement {
  config: ReadyConfig;
  /** Base address of the API; undefined in a worker without one. */
  url: string | undefined;
  sandboxUrl: string | undefined;
  demo: DemoExample | undefined;
  now: Date;
}

/** The text, with lines that can be copied as they are. */
export function announcement({ config, url, sandboxUrl, demo, now }: Announcement): string {
  const database = new URL(config.databaseUrl);
  database.password = '';
  const rows: [string, string | undefined][] = [
    ['GraphQL', url && `${url}/graphql`],
    ['GraphiQL', config.graphiql ? url && `${url}/graphiql` : undefined],
    ['Health', url && `${url}/healthz and ${url}/readyz`],
    ['Odoo', sandboxUrl && `${sandboxUrl} (the bundled sandbox)`],
    ['PostgreSQL', database.href],
    ['Demo key', demo?.key],
  ];
  const lines = rows.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name.padEnd(12)}${value}`]));
  const example = url !== undefined && demo !== undefined ? ['', 'Record usage:', '', curl(url, demo, now)] : [];
  return ['', `Fusion Billing runs (${config.role}).`, '', ...lines, ...example, ''].join('\n');
}

/** Three units counted just now; sent twice, it counts once. */
function curl(url: string, { key, account, metric }: DemoExample, now: Date): string {
  const windowStart = now.toISOString();
  const input = {
    account,
    metric,
    windowStart,
    windowEnd: windowStart,
    quantity: '3',
    idempotencyKey: `${account}:${metric}:${windowStart}`,
  };
  const query = 'mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { status record { id quantity } } }';
  return [
    `curl -s ${url}/graphql \\`,
    `  -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' \\`,
    `  -d '${JSON.stringify({ query, variables: { input } })}'`,
  ].join('\n');
}
