/**
 * What recording needs of the catalogue and the mirror, remembered by `service.catalog_version`: a raised version makes every
 * older entry unreachable. What is not found is never remembered, so it is looked up again before it is refused.
 */
import { LRUCache } from 'lru-cache';
import type { DataSource, EntityManager } from 'typeorm';
import type { MetricRules } from '../domain/metric';
import { METRIC_RULES } from './catalog-metric-rules';
import { chooseContracts, type ContractChoice, pairOf } from './usage-contract';

/** Entries of one kind, all services together; beyond it the least recently used ones go. */
const MAX_ENTRIES = 50_000;

export interface CachedMetric extends MetricRules {
  id: string;
  /** Usage that counts from then on is refused; null while in use. */
  archivedAt: Date | null;
  /** The same of its service. */
  serviceCode: string;
  serviceArchivedAt: Date | null;
}

export interface CachedLink {
  id: string;
  /** Odoo id of the partner's commercial partner: the one who pays. */
  payer: string;
  /** The contract the link is pinned to. */
  contractId: string | null;
  from: Date;
  to: Date | null;
}

export interface CachedSubscription {
  contractId: string;
  payer: string;
}

/** Something of a service by the name its kind gives it: a metric's code, an account, an id. */
export interface Wanted {
  serviceId: string;
  name: string;
}

/** Reads the entries of one kind: at most one value for each name. */
type Read<V> = (tx: EntityManager, wanted: readonly Wanted[]) => Promise<(Wanted & { value: V })[]>;

/** One kind of entry: how it is read, and what is remembered of it. */
interface CatalogKind<V extends object> {
  read: Read<V>;
  /** One cache a database: tests open several in one process. */
  caches: WeakMap<DataSource, LRUCache<string, V>>;
}

function catalogKind<V extends object>(read: Read<V>): CatalogKind<V> {
  return { read, caches: new WeakMap() };
}

type Found<V> = (serviceId: string, name: string) => V | undefined;

/**
 * Looks `wanted` up: what is remembered for the service's version in `versions`, and the rest in one statement. The version
 * must have been read by an earlier statement of `tx`, so that nothing older than it is remembered under it.
 */
export async function lookUp<V extends object>(
  tx: EntityManager,
  versions: ReadonlyMap<string, string>,
  { kind, wanted }: { kind: CatalogKind<V>; wanted: readonly Wanted[] },
): Promise<Found<V>> {
  const cache = cacheOf(tx.dataSource, kind);
  const keyOf = ({ serviceId, name }: Wanted): string => `${serviceId} ${versions.get(serviceId) ?? ''} ${name}`;
  // By service and name: a thousand counters name few things, and the cache is asked for each of these once.
  const found = new Map<string, Map<string, V | undefined>>();
  const missing: Wanted[] = [];
  for (const each of wanted) {
    let ofService = found.get(each.serviceId);
    if (ofService === undefined) found.set(each.serviceId, (ofService = new Map()));
    if (ofService.has(each.name)) continue;
    const known = cache.get(keyOf(each));
    ofService.set(each.name, known);
    if (known === undefined) missing.push(each);
  }
  if (missing.length > 0) {
    for (const { value, ...each } of await kind.read(tx, missing)) {
      found.get(each.serviceId)?.set(each.name, value);
      cache.set(keyOf(each), value);
    }
  }
  return (serviceId, name) => found.get(serviceId)?.get(name);
}

function cacheOf<V extends object>(db: DataSource, { caches }: CatalogKind<V>): LRUCache<string, V> {
  const cache = caches.get(db) ?? new LRUCache<string, V>({ max: MAX_ENTRIES });
  caches.set(db, cache);
  return cache;
}

/** By code, archived ones too: they take what counted before. */
export const METRICS = catalogKind<CachedMetric>(async (tx, wanted) => {
  const rows = await tx.query<(CachedMetric & { service_id: string; name: string })[]>(
    `select w.service_id, w.name, m.id, ${METRIC_RULES}, m.archived_at as "archivedAt",
            s.code as "serviceCode", s.archived_at as "serviceArchivedAt"
         from json_to_recordset($1) as w(service_id uuid, name text)
         join metric m on m.service_id = w.service_id and m.code = w.name
         join service s on s.id = m.service_id`,
    [asRecordset(wanted)],
  );
  return rows.map(({ service_id: serviceId, name, ...value }) => ({ serviceId, name, value }));
});

/** All links of an account, by the account; archived ones are left out. */
export const LINKS_OF_ACCOUNT = catalogKind<CachedLink[]>((tx, wanted) => readLinks(tx, wanted, 'l.account = w.name'));

/** All links of a service to partners of one payer, by the payer's Odoo id; archived ones are left out. */
export const LINKS_OF_PAYER = catalogKind<CachedLink[]>((tx, wanted) =>
  readLinks(tx, wanted, 'p.commercial_partner_odoo_id = w.name::integer'),
);

async function readLinks(
  tx: EntityManager,
  wanted: readonly Wanted[],
  condition: string,
): Promise<(Wanted & { value: CachedLink[] })[]> {
  interface LinkRow {
    service_id: string;
    name: string;
    id: string;
    payer: string;
    contract_id: string | null;
    valid_from: Date;
    valid_to: Date | null;
  }
  const rows = await tx.query<LinkRow[]>(
    `select w.service_id, w.name, l.id, p.commercial_partner_odoo_id::text as payer, l.contract_id, l.valid_from, l.valid_to
       from json_to_recordset($1) as w(service_id uuid, name text)
       join account_link l on l.service_id = w.service_id
       join partner p on p.id = l.partner_id
      where ${condition} and l.archived_at is null
      order by w.service_id, w.name, l.valid_from`,
    [asRecordset(wanted)],
  );
  const grouped = new Map<string, Wanted & { value: CachedLink[] }>();
  for (const row of rows) {
    const key = `${row.service_id} ${row.name}`;
    const entry = grouped.get(key) ?? { serviceId: row.service_id, name: row.name, value: [] };
    grouped.set(key, entry);
    const { id, payer, contract_id: contractId, valid_from: from, valid_to: to } = row;
    entry.value.push({ id, payer, contractId, from, to });
  }
  return [...grouped.values()];
}

/** By our id, whoever's it is: the caller compares the payer. */
export const SUBSCRIPTIONS = catalogKind<CachedSubscription>(async (tx, wanted) => {
  const rows = await tx.query<{ service_id: string; name: string; contract_id: string; payer: string }[]>(
    `select w.service_id, w.name, s.contract_id, p.commercial_partner_odoo_id::text as payer
         from json_to_recordset($1) as w(service_id uuid, name text)
         join subscription s on s.id = w.name::uuid
         join partner p on p.odoo_id = s.partner_odoo_id`,
    [asRecordset(wanted)],
  );
  return rows.map((row) => ({
    serviceId: row.service_id,
    name: row.name,
    value: { contractId: row.contract_id, payer: row.payer },
  }));
});

/** Where usage of a link and metric goes that names no subscription, by `choiceName`. */
export const CONTRACT_CHOICES = catalogKind<ContractChoice>(async (tx, wanted) => {
  const choices = await chooseContracts(
    tx,
    wanted.map(({ name }) => pairOf(name)),
  );
  return wanted.flatMap(({ serviceId, name }) => {
    const value = choices.get(name);
    return value === undefined ? [] : { serviceId, name, value };
  });
});

/** The present versions by service id; read again under the lanes to learn whether the catalogue changed meanwhile. */
export async function catalogVersions(
  tx: EntityManager,
  serviceIds: Iterable<string>,
): Promise<ReadonlyMap<string, string>> {
  const rows = await tx.query<{ id: string; catalog_version: string }[]>(
    'select id, catalog_version from service where id = any($1)',
    [[...serviceIds]],
  );
  return new Map(rows.map(({ id, catalog_version: version }) => [id, version]));
}

function asRecordset(wanted: readonly Wanted[]): string {
  return JSON.stringify(wanted.map(({ serviceId, name }) => ({ service_id: serviceId, name })));
}
