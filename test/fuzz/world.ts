/** The application under fuzz: two services alike, keys, the words that mean something, and what is the second service's. */
import { Writable } from 'node:stream';
import pino from 'pino';
import type { ScopeName } from '../../src/domain/scope';
import { startTestApp, type TestApp } from '../support/app';
import { dataOf, makeKey } from '../support/seed';
import { makeWorlds, type World } from '../support/walk-world';
import type { KeyName } from './requests';
import type { Vocabulary } from './values';

const OWN = 'aardvark';
const OTHER = 'zebra';
const FEW: readonly ScopeName[] = ['CATALOG_READ', 'USAGE_READ', 'USAGE_WRITE'];
const READING: readonly ScopeName[] = ['CATALOG_READ', 'USAGE_READ', 'BILLING_READ'];

export interface FuzzWorld {
  test: TestApp;
  /** The service whose key is used. */
  own: World;
  other: World;
  words: Vocabulary;
  secretOf(key: KeyName): string | null;
  /** Lines logged at level error or above since the last call. */
  takeErrors(): string[];
  /** Every row that is the other service's, as text; to be compared before and after. */
  rowsOfOther(): Promise<string[]>;
}

export async function startFuzzWorld(): Promise<FuzzWorld> {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString());
      done();
    },
  });
  const log = pino({ level: 'error' }, sink);
  // Thousands of requests a minute are what this is about.
  const test = await startTestApp({ now: new Date('2026-03-10T12:00:00Z'), log, config: { rateLimit: 0 } });
  try {
    return await furnish(test, lines);
  } catch (error) {
    await test.close();
    throw error;
  }
}

async function furnish(test: TestApp, lines: string[]): Promise<FuzzWorld> {
  const [own, other] = await makeWorlds(test, [OWN, OTHER]);
  const secrets: Record<KeyName, string | null> = {
    NONE: null,
    WRONG: 'fb_of-nobody',
    ALL: own.key,
    FEW: (await makeKey(test, own.service, FEW)).secret,
    READER: (await makeKey(test, null, READING)).secret,
  };
  const data = dataOf(await test.gql(own.key, '{ accountLinks { nodes { id } } }'));
  const links = (data.accountLinks as { nodes: { id: string }[] }).nodes.map(({ id }) => id);
  const spareLinks = [...links.filter((id) => id !== own.linkId), other.linkId];
  const forbiddenInts = await odooIdsOf(test, OTHER);
  return {
    test,
    own,
    other,
    words: { ...vocabulary(own, other, spareLinks), forbiddenInts, cursors: await cursorsOf(test) },
    secretOf: (key) => secrets[key],
    takeErrors: () => lines.splice(0),
    rowsOfOther: () => rowsOf(test, { mine: other, notOf: own }),
  };
}

/**
 * Names of things that exist, the other service's among them wherever they are looked up; where things are named, only
 * the own ones, so that no row of the first service ever bears the mark of the second. What ends for good is something
 * spare, so that there is always a world to ask for.
 */
function vocabulary(
  own: World,
  other: World,
  spareLinks: string[],
): Pick<Vocabulary, 'strings' | 'anyString' | 'ints'> {
  const ids = (world: World): string[] => [
    world.subscriptionId,
    world.contractId,
    world.derivedPeriodId,
    world.closedPeriodId,
    world.writeBackId,
    world.linkId,
    ...world.keyIds,
  ];
  const nothing = '018f3a52-0000-7000-8000-000000000000';
  const both = (of: (world: World) => string[]): string[] => [
    ...Array<string[]>(6).fill(of(own)).flat(),
    ...of(other),
    'nothing',
  ];
  const id = [...ids(own), ...ids(other), nothing, '1', '999999999999999999', 'no-uuid'];
  const byId = (of: (world: World) => string): string[] => [of(own), of(own), of(own), of(own), of(other), nothing];
  return {
    strings: {
      id,
      subjectId: id,
      'subscription.id': byId(({ subscriptionId }) => subscriptionId),
      'contract.id': byId(({ contractId }) => contractId),
      'ConfirmPeriodInput.id': byId(({ derivedPeriodId }) => derivedPeriodId),
      'RetryWriteBackInput.id': byId(({ writeBackId }) => writeBackId),
      'RotateApiKeyInput.id': both(({ keyIds }) => keyIds),
      'RevokeApiKeyInput.id': both(({ keyIds }) => keyIds),
      'EndAccountLinkInput.id': spareLinks,
      'ArchiveAccountLinkInput.id': spareLinks,
      'UpdateAccountLinkInput.id': spareLinks,
      'ArchiveMetricInput.metric': ['one', 'two', 'three', other.metric],
      contractId: byId(({ contractId }) => contractId),
      subscriptionId: byId(({ subscriptionId }) => subscriptionId),
      periodId: [own.closedPeriodId, own.derivedPeriodId, other.closedPeriodId, other.derivedPeriodId, nothing],
      service: both(({ service }) => [service]),
      account: both(({ account }) => [account]),
      'CreateAccountLinkInput.account': ['one', 'two', 'three', 'four', own.account],
      metric: both(({ metric, idleMetrics }) => [metric, ...idleMetrics]),
      metrics: both(({ metric }) => [metric]),
      voids: both(({ records }) => records),
      replaces: both(({ records }) => records),
      idempotencyKey: own.records,
      'usageRecord.idempotencyKey': both(({ records }) => records),
      code: ['one', 'two', 'three', own.metric, own.service],
      currency: ['USD', 'EUR', 'ZZZ', 'usd'],
      action: ['usage.voided', 'metric.created', 'nothing'],
    },
    anyString: ['text', 'other text', own.mark, own.metric, own.contractId],
    ints: {
      partnerOdooId: [own.partner, own.partner, 2_000_000_001],
      productOdooId: [own.product, ...own.idleProducts, 2_000_000_001],
      subscriptionOdooId: [own.order, other.order, 2_000_000_001],
      odooId: [own.order, other.order, 2_000_000_001],
    },
  };
}

/** Odoo's ids of partners and products that bear the mark: any service may link or charge them, and then sees their names. */
async function odooIdsOf(test: TestApp, mark: string): Promise<Set<number>> {
  const rows = await test.app.db.query<{ odoo_id: number }[]>(
    `select odoo_id from partner t where t::text ilike $1 union select odoo_id from product t where t::text ilike $1`,
    [`%${mark}%`],
  );
  return new Set(rows.map((row) => Number(row.odoo_id)));
}

/** A cursor of each list, as the other lists get them, too. */
async function cursorsOf(test: TestApp): Promise<string[]> {
  const lists = [
    'services',
    'metrics',
    'accountLinks',
    'subscriptions',
    'usageRecords',
    'auditEntries',
    'billableLines',
    'billingPeriods',
  ];
  const query = `{ ${lists.map((list) => `${list}(first: 1) { pageInfo { endCursor } }`).join(' ')} }`;
  const data = dataOf(await test.gql(test.adminKey, query)) as Record<string, { pageInfo: { endCursor: string } }>;
  return Object.values(data).map(({ pageInfo }) => pageInfo.endCursor);
}

/**
 * Rows that name `mine` or its contracts, leaving out what is the other's on them, and what `mine` has on the other's: who
 * bills a contract moves with the contract. A catalogue version says only when caches are read anew: whoever brings a new
 * partner into the mirror raises all of them.
 */
async function rowsOf(test: TestApp, { mine, notOf }: { mine: World; notOf: World }): Promise<string[]> {
  const { mark, keyId, keyIds, linkId, subscriptionId } = mine;
  const names = [mark, keyId, ...keyIds, linkId, subscriptionId, ...(await idsOf(test, mine))];
  const tables = await test.app.db.query<{ name: string }[]>(
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  const rows: string[] = [];
  for (const { name } of tables) {
    const found = await test.app.db.query<{ row: string }[]>(
      `select (to_jsonb(t) - 'catalog_version')::text as row from ${name} t where t::text ~* $1 and t::text !~ $2`,
      [names.join('|'), (await idsOf(test, notOf)).join('|')],
    );
    rows.push(...found.map(({ row }) => `${name} ${row}`));
  }
  return rows.sort();
}

/** The service and its two contracts. */
async function idsOf(test: TestApp, { service, closedPeriodId, derivedPeriodId }: World): Promise<string[]> {
  const rows = await test.app.db.query<{ id: string }[]>(
    `select id from service where code = $1 union select contract_id from billing_period where id in ($2, $3)`,
    [service, closedPeriodId, derivedPeriodId],
  );
  return rows.map(({ id }) => id);
}
