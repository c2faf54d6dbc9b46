/**
 * What recording needs of the catalogue and the mirror, remembered by `service.catalog_version`: a raised version makes every
 * older entry unreachable. What is not found is never remembered, so it is looked up again before it is refused.
 */
import type { DataSource, EntityManager } from 'typeorm';
import type { MetricRules } from '../domain/metric';
import { METRIC_RULES } from './catalog-metric-rules';
import { chooseContracts, type ContractChoice, pairOf } from './usage-contract';

/** Entries of one kind and service; beyond it all of them are forgotten, and read again as they are wanted. */
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
interface Wanted {
  serviceId: string;
  name: string;
}

/** Reads the entries of one kind: at most one value for each name. */
type Read<V> = (tx: EntityManager, wanted: readonly Wanted[]) => Promise<(Wanted & { value: V })[]>;

/** One kind of entry: how it is read, and what is remembered of it. */
interface CatalogKind<V extends object> {
  read: Read<V>;
  /** One cache a database: tests open several in one process. */
  caches: WeakMap<DataSource, Map<string, Remembered<V>>>;
}

/** What is known of one service at one version. */
interface Remembered<V> {
  version: string;
  byName: Map<string, V>;
}

function catalogKind<V extends object>(read: Read<V>): CatalogKind<V> {
  return { read, caches: new WeakMap() };
}

type Found<V> = (serviceId: string, name: string) => V | undefined;

/**
 * Looks `wanted` up, names by service: what is remembered for the service's version in `versions`, and the rest in one statement.
 * The version must have been read by an earlier statement of `tx`, so that nothing older than it is remembered under it.
 */
export async function lookUp<V extends object>(
  tx: EntityManager,
  versions: ReadonlyMap<string, string>,
  { kind, wanted }: { kind: CatalogKind<V>; wanted: ReadonlyMap<string, ReadonlySet<string>> },
): Promise<Found<V>> {
  const known = new Map<string, Map<string, V>>();
  const missing: Wanted[] = [];
  for (const [serviceId, names] of wanted) {
    const byName = rememberedOf(tx.dataSource, kind, { serviceId, version: versions.get(serviceId) ?? '' });
    known.set(serviceId, byName);
    for (const name of names) if (!byName.has(name)) missing.push({ serviceId, name });
  }
  if (missing.length > 0) {
    for (const { serviceId, name, value } of await kind.read(tx, missing)) known.get(serviceId)?.set(name, value);
    for (const [serviceId, { size }] of known)
      if (size > MAX_ENTRIES) kind.caches.get(tx.dataSource)?.delete(serviceId);
  }
  return (serviceId, name) => known.get(serviceId)?.get(name);
}

/** What is remembered of a service at `version`; what was remembered at another one is forgotten. */
function rememberedOf<V extends object>(
  db: DataSource,
  { caches }: CatalogKind<V>,
  { serviceId, version }: { serviceId: string; version: string },
): Map<string, V> {
  let cache = caches.get(db);
  if (cache === undefined) caches.set(db, (cache = new Map()));
  const known = cache.get(serviceId);
  if (known?.version === version) return known.byName;
  const byName = new Map<string, V>();
  cache.set(serviceId, { version, byName });
  return byName;
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

/** What a key needs to know of its service before it looks anything else up. */
export interface SeenService {
  id: string;
  code: string;
  version: string;
}

/** As each service was last seen here, by id: its code is for ever, its version may be an old one. */
const seen = new WeakMap<DataSource, Map<string, SeenService>>();

/** The service as it was last seen by this process. Its version must be compared under the lanes, as any other. */
export function seenService(db: DataSource, id: string): SeenService | undefined {
  return seen.get(db)?.get(id);
}

/** Remembers what was just read. */
export function noteSeen(db: DataSource, services: Iterable<SeenService>): void {
  const known = seen.get(db) ?? new Map<string, SeenService>();
  seen.set(db, known);
  for (const service of services) known.set(service.id, service);
}

function asRecordset(wanted: readonly Wanted[]): string {
  return JSON.stringify(wanted.map(({ serviceId, name }) => ({ service_id: serviceId, name })));
}
