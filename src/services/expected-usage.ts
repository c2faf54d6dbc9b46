/**
 * Which series of a metric are expected, when, and what is missing of them. A series is expected once it was seen, in the time
 * asked for or in the 32 days before it; an account link that sent nothing at all is expected to have one.
 */
import type { EntityManager } from 'typeorm';
import {
  ALWAYS,
  type Completeness,
  completenessOf,
  type ExpectedStep,
  expectedSpans,
  intersectionOf,
  type Span,
} from '../domain/completeness';
import type { Dimensions } from '../domain/usage-content';
import { runningSpans } from './standstills';
import { choiceName, chooseContracts } from './usage-contract';
import { seriesWindows } from './usage-windows';

/** Whose usage is looked at: all that a contract bills, or what an account sent. */
export type UsageOwner = { contractId: string } | { account: string };

export interface ExpectedUsage {
  owner: UsageOwner;
  serviceId: string;
  metricId: string;
  /** Null: nothing is expected, and so nothing is missing. */
  step: ExpectedStep | null;
  /** Its end is not ahead of the present. */
  range: Span;
  /** The billing zone. */
  zone: string;
}

export interface SeriesCompleteness extends Completeness {
  /** Null for usage without a contract. */
  contractId: string | null;
  /** The account links that sent it, or did not. */
  linkIds: string[];
  dimensions: Dimensions | null;
  meter: string | null;
  /** Null when nothing was sent at all. */
  lastSeenAt: Date | null;
}

/** Every series of the metric, at most `limit` that were seen (null: all), and the silent links after them. */
export async function expectedUsage(
  tx: EntityManager,
  wanted: ExpectedUsage,
  limit: number | null,
): Promise<SeriesCompleteness[]> {
  const { owner, metricId, range, zone } = wanted;
  const links = await linksOf(tx, wanted);
  const linkIds = links.filter(({ matters }) => matters).map(({ id }) => id);
  const contractIds = 'contractId' in owner ? [owner.contractId] : await contractsOfLinks(tx, linkIds);
  const byAccount = 'account' in owner;
  const scope = { metricId, contractIds, linkIds: byAccount ? linkIds : [], ofLinksOnly: byAccount, range };
  const seen = await seriesWindows(tx, scope, limit);
  const silent = await silentLinks(tx, wanted, { linkIds, heard: new Set(seen.flatMap((series) => series.linkIds)) });
  const running = await runningSpans(
    tx,
    [...new Set([...contractIds, ...silent.map(contractIdOf)])].filter(isId),
    zone,
  );
  const waived = await waivedSpans(tx, metricId, [...running.keys()]);
  const life = await metricLife(tx, metricId);
  const validity = new Map(links.map(({ id, start, end }) => [id, { start, end: end ?? ALWAYS.end }]));
  return [...seen, ...silent].map((series) => {
    const valid = series.linkIds.flatMap((id) => validity.get(id) ?? []);
    const runs = series.contractId === null ? [ALWAYS] : (running.get(series.contractId) ?? []);
    const possible = intersectionOf(intersectionOf(valid, runs), intersectionOf([range], [life]));
    const { contractId, dimensions, meter, lastSeenAt } = series;
    const told = { ...series, waived: waived.get(contractId ?? '') ?? [] };
    return {
      ...(wanted.step === null
        ? { ...completenessOf(possible, told), gaps: [], waived: [] }
        : completenessOf(expectedSpans(possible, wanted.step, zone), told)),
      ...{ contractId, dimensions, meter, lastSeenAt, linkIds: series.linkIds },
    };
  });
}

type KnownSeries = Omit<SeriesCompleteness, keyof Completeness> & { windows: Span[]; overlaps: Span[] };

const contractIdOf = ({ contractId }: KnownSeries): string | null => contractId;
const isId = (id: string | null): id is string => id !== null;

interface LinkRow {
  id: string;
  start: Date;
  end: Date | null;
  /** Whether it is the owner's, or may be; the validity of the others is asked for only. */
  matters: boolean;
}

/** The service's links of the account, or all whose usage may be the contract's. */
function linksOf(tx: EntityManager, { owner, serviceId }: ExpectedUsage): Promise<LinkRow[]> {
  const columns = 'l.id, l.valid_from as start, l.valid_to as "end"';
  if ('account' in owner) {
    return tx.query<LinkRow[]>(
      `select ${columns}, true as matters from account_link l
        where l.service_id = $1 and l.account = $2 and l.archived_at is null order by l.id`,
      [serviceId, owner.account],
    );
  }
  return tx.query<LinkRow[]>(
    `select ${columns}, coalesce(l.contract_id = $2, true) as matters from account_link l join partner p on p.id = l.partner_id
      where l.service_id = $1 and l.archived_at is null
        and (l.contract_id = $2 or p.commercial_partner_odoo_id in (
              select sp.commercial_partner_odoo_id from subscription s join partner sp on sp.odoo_id = s.partner_odoo_id
               where s.contract_id = $2))
      order by l.id`,
    [serviceId, owner.contractId],
  );
}

/** The contracts that usage of the links can have been recorded for. */
async function contractsOfLinks(tx: EntityManager, linkIds: readonly string[]): Promise<string[]> {
  const rows = await tx.query<{ id: string }[]>(
    `select s.contract_id as id from account_link l join partner p on p.id = l.partner_id
       join partner sp on sp.commercial_partner_odoo_id = p.commercial_partner_odoo_id
       join subscription s on s.partner_odoo_id = sp.odoo_id
      where l.id = any ($1)
     union select contract_id from account_link where id = any ($1) and contract_id is not null
     order by id`,
    [linkIds],
  );
  return rows.map(({ id }) => id);
}

/** Of the links those that sent nothing: each has one series, of the contract that its usage would go to. */
async function silentLinks(
  tx: EntityManager,
  { owner, metricId }: ExpectedUsage,
  { linkIds, heard }: { linkIds: readonly string[]; heard: ReadonlySet<string> },
): Promise<KnownSeries[]> {
  const pairs = linkIds.filter((linkId) => !heard.has(linkId)).map((linkId) => ({ linkId, metricId }));
  if (pairs.length === 0) return [];
  const choices = await chooseContracts(tx, pairs);
  return pairs
    .map((pair) => ({ pair, contractId: choices.get(choiceName(pair))?.contractId ?? null }))
    .filter(({ contractId }) => !('contractId' in owner) || owner.contractId === contractId)
    .map(({ pair, contractId }) => ({
      contractId,
      linkIds: [pair.linkId],
      dimensions: null,
      meter: null,
      windows: [],
      overlaps: [],
      lastSeenAt: null,
    }));
}

/** What people let go of the metric, by contract. */
async function waivedSpans(
  tx: EntityManager,
  metricId: string,
  contractIds: readonly string[],
): Promise<Map<string, Span[]>> {
  const rows = await tx.query<{ contractId: string; start: Date; end: Date }[]>(
    `select p.contract_id as "contractId", w.starts_at as start, w.ends_at as "end"
       from gap_waiver w join billing_period p on p.id = w.period_id
      where w.metric_id = $1 and p.contract_id = any ($2)`,
    [metricId, contractIds],
  );
  const waived = new Map<string, Span[]>();
  for (const { contractId, ...span } of rows) waived.set(contractId, [...(waived.get(contractId) ?? []), span]);
  return waived;
}

/** Nothing is missing of a metric before it was made, nor since it or its service was archived. */
async function metricLife(tx: EntityManager, metricId: string): Promise<Span> {
  const [life] = await tx.query<{ start: Date; end: Date | null }[]>(
    `select m.created_at as start, least(m.archived_at, s.archived_at) as "end"
       from metric m join service s on s.id = m.service_id where m.id = $1`,
    [metricId],
  );
  return { start: life?.start ?? ALWAYS.start, end: life?.end ?? ALWAYS.end };
}
