/**
 * Where a counter belongs: its service, metric, account link and contract. All drafts of a request are resolved together, and
 * again when the catalogue changes before their lanes are held.
 */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import type { MetricRules } from '../domain/metric';
import { countsWithin, type UsageDraft, usageRefusal } from '../domain/usage-record';
import type { UnassignedReason } from '../entities/usage-record';
import { notFound } from './access';
import { archivedConflict } from './catalog-change';
import {
  type CachedLink,
  type CachedMetric,
  type CachedSubscription,
  CONTRACT_CHOICES,
  LINKS_OF_ACCOUNT,
  LINKS_OF_PAYER,
  lookUp,
  METRICS,
  noteSeen,
  type SeenService,
  seenService,
  SUBSCRIPTIONS,
} from './catalog-cache';
import { choiceName, type ContractChoice, type LinkedMetric } from './usage-contract';
import { holdLanes, lockSeries } from './usage-lanes';

/** Where a draft is recorded. */
export interface Place {
  linkId: string;
  metricId: string;
  /** How its metric counts. */
  rules: MetricRules;
  contractId: string | null;
  /** Set exactly while `contractId` is null. */
  unassignedReason: UnassignedReason | null;
}

/** A draft of a known service, with its place or the reason why the world does not take it now. */
export interface ResolvedUsage {
  serviceId: string;
  /** One name for its service and idempotency key, for maps. */
  key: string;
  draft: UsageDraft;
  place: Place | BillingError;
}

/** Before every window: the first instant that callers can name. */
const BEGINNING = new Date(0);

/** Rounds after which a catalogue that never rests is reported instead of waited for. */
const MAX_ROUNDS = 10;

/**
 * Resolves `drafts` and takes the lanes of what they belong to. Returned in the order of `drafts`; a draft whose service the
 * caller does not see is refused outright, because no key of it can be looked up.
 */
export async function resolveUnderLanes(
  tx: EntityManager,
  ctx: Ctx,
  drafts: readonly UsageDraft[],
): Promise<(ResolvedUsage | BillingError)[]> {
  const services = await visibleServices(tx, ctx, drafts);
  let versions: Versions = new Map(services.map(({ id, version }) => [id, version]));
  const idByCode = new Map(services.map(({ code, id }) => [code, id]));
  const located = drafts.map((draft) => locate(idByCode, ctx, draft));
  const owned = located.filter((item): item is OwnedDraft => !(item instanceof BillingError));
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const places = await resolvePlaces(tx, versions, { owned, now: ctx.now });
    await lockSeries(
      tx,
      lanesOf(places, ({ rules }) => rules.semantics !== 'DELTA'),
    );
    const present = await holdLanes(tx, lanesOf(places), versions.keys());
    if ([...versions].every(([id, version]) => present.get(id) === version)) {
      const next = places.values();
      return located.map((item): ResolvedUsage | BillingError => {
        if (item instanceof BillingError) return item;
        const { serviceId, key, draft } = item;
        return { serviceId, key, draft, place: next.next().value as Place | BillingError };
      });
    }
    versions = present;
    noteSeen(
      tx.dataSource,
      services.map((service) => ({ ...service, version: present.get(service.id) ?? service.version })),
    );
  }
  throw new BillingError('UNAVAILABLE', 'The catalogue keeps changing; send the same again.');
}

interface OwnedDraft {
  serviceId: string;
  key: string;
  draft: UsageDraft;
}

/** The services that the caller may send to and, with a key of the whole installation, named. */
async function visibleServices(
  tx: EntityManager,
  ctx: Ctx,
  drafts: readonly UsageDraft[],
): Promise<readonly SeenService[]> {
  const { serviceId } = ctx.actor;
  const own = serviceId === null ? undefined : seenService(tx.dataSource, serviceId);
  return own === undefined ? readServices(tx, serviceId, drafts) : [own];
}

async function readServices(
  tx: EntityManager,
  serviceId: string | null,
  drafts: readonly UsageDraft[],
): Promise<SeenService[]> {
  const codes = [...new Set(drafts.flatMap(({ service }) => service ?? []))];
  const services = await tx.query<SeenService[]>(
    `/* prepared: visible_services */
     select id, code, catalog_version as version from service where id = $1 or ($1::uuid is null and code = any($2))`,
    [serviceId, codes],
  );
  noteSeen(tx.dataSource, services);
  return services;
}

function locate(idByCode: ReadonlyMap<string, string>, ctx: Ctx, draft: UsageDraft): OwnedDraft | BillingError {
  const serviceId = draft.service === null ? ctx.actor.serviceId : idByCode.get(draft.service);
  if (serviceId === undefined) return notFound('service', 'service');
  if (serviceId !== null) return { serviceId, key: `${serviceId} ${draft.idempotencyKey}`, draft };
  const message = 'Name the service: this key is for the whole installation.';
  return new BillingError('VALIDATION_FAILED', message, { field: 'service' });
}

function* lanesOf(
  places: readonly (Place | BillingError)[],
  isMeant: (place: Place) => boolean = () => true,
): Generator<string> {
  for (const place of places) {
    if (!(place instanceof BillingError) && isMeant(place)) yield place.contractId ?? place.linkId;
  }
}

/** A draft on its way: what is known so far. */
interface Candidate extends OwnedDraft {
  metric: CachedMetric;
  link: CachedLink;
  subscription: CachedSubscription | null;
}

type Versions = ReadonlyMap<string, string>;

async function resolvePlaces(
  tx: EntityManager,
  versions: Versions,
  { owned, now }: { owned: readonly OwnedDraft[]; now: Date },
): Promise<(Place | BillingError)[]> {
  const candidates = await findCandidates(tx, versions, owned);
  // Made once an item: a name is made for each of up to a thousand.
  const choices = candidates.map((candidate) =>
    candidate instanceof BillingError || namesContract(candidate) ? null : choiceName(pair(candidate)),
  );
  const choiceOf = await lookUp(tx, versions, {
    kind: CONTRACT_CHOICES,
    wanted: namesOf(owned, (_, index) => choices[index]),
  });
  return candidates.map((candidate, index) => {
    if (candidate instanceof BillingError) return candidate;
    const { serviceId, draft, metric } = candidate;
    const name = choices[index];
    return usageRefusal(draft, metric, now) ?? placeOf(candidate, name ? choiceOf(serviceId, name) : undefined);
  });
}

function pair({ link, metric }: Candidate): LinkedMetric {
  return { linkId: link.id, metricId: metric.id };
}

function namesContract({ subscription, link }: Candidate): boolean {
  return subscription !== null || link.contractId !== null;
}

function placeOf({ link, metric, subscription }: Candidate, choice: ContractChoice | undefined): Place {
  const named = subscription?.contractId ?? link.contractId;
  assert(named !== null || choice, 'a link that was found has a choice of contract');
  return {
    linkId: link.id,
    metricId: metric.id,
    rules: metric,
    contractId: named ?? choice?.contractId ?? null,
    unassignedReason: named === null ? (choice?.unassignedReason ?? null) : null,
  };
}

async function findCandidates(
  tx: EntityManager,
  versions: Versions,
  owned: readonly OwnedDraft[],
): Promise<(Candidate | BillingError)[]> {
  const metricOf = await lookUp(tx, versions, { kind: METRICS, wanted: namesOf(owned, ({ draft }) => draft.metric) });
  const subscriptionOf = await lookUp(tx, versions, {
    kind: SUBSCRIPTIONS,
    wanted: namesOf(owned, ({ draft }) => draft.subscriptionId),
  });
  const linksOfAccount = await lookUp(tx, versions, {
    kind: LINKS_OF_ACCOUNT,
    wanted: namesOf(owned, ({ draft }) => draft.account),
  });
  const linksOfPayer = await lookUp(tx, versions, {
    kind: LINKS_OF_PAYER,
    wanted: namesOf(owned, ({ serviceId, draft: { account, subscriptionId } }) =>
      account === null ? subscriptionOf(serviceId, subscriptionId ?? '')?.payer : null,
    ),
  });
  return owned.map((item) => {
    const { serviceId, key, draft } = item;
    const metric = metricOf(serviceId, draft.metric);
    if (metric === undefined) return notFound('metric', 'metric');
    const refusal = archivedRefusal(draft, metric);
    if (refusal !== null) return refusal;
    const subscription = draft.subscriptionId === null ? null : subscriptionOf(serviceId, draft.subscriptionId);
    if (subscription === undefined) return notFound('subscription', 'subscriptionId');
    const link =
      draft.account === null
        ? linkOfPayer(linksOfPayer(serviceId, subscription?.payer ?? ''), draft)
        : linkOfAccount(linksOfAccount(serviceId, draft.account), draft);
    if (link instanceof BillingError) return link;
    if (subscription !== null && subscription.payer !== link.payer) return notFound('subscription', 'subscriptionId');
    return { serviceId, key, draft, metric, link, subscription };
  });
}

/** The names that `nameOf` gives the items, by their service; an item without one has no part in it. */
function namesOf(
  owned: readonly OwnedDraft[],
  nameOf: (item: OwnedDraft, index: number) => string | null | undefined,
): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  for (const [index, item] of owned.entries()) {
    const name = nameOf(item, index);
    if (name === null || name === undefined) continue;
    const ofService = names.get(item.serviceId);
    if (ofService === undefined) names.set(item.serviceId, new Set([name]));
    else ofService.add(name);
  }
  return names;
}

/** What is archived takes what counted before: it may come late. */
function archivedRefusal(draft: UsageDraft, metric: CachedMetric): BillingError | null {
  for (const [noun, name, archivedAt] of [
    ['service', metric.serviceCode, metric.serviceArchivedAt],
    ['metric', draft.metric, metric.archivedAt],
  ] as const) {
    if (archivedAt === null || countsWithin(draft, { from: BEGINNING, to: archivedAt })) continue;
    return archivedConflict({ noun, name, field: noun }, archivedAt);
  }
  return null;
}

function linkOfAccount(links: readonly CachedLink[] = [], draft: UsageDraft): CachedLink | BillingError {
  if (links.length === 0) return notFound('account link', 'account');
  // Links of one account never overlap, so at most one is left.
  return links.find((link) => countsWithin(draft, link)) ?? outsideValidity();
}

function linkOfPayer(links: readonly CachedLink[] = [], draft: UsageDraft): CachedLink | BillingError {
  // A subscription of a partner that the service has not linked is as good as not there.
  if (links.length === 0) return notFound('subscription', 'subscriptionId');
  const [only, ...others] = links.filter((link) => countsWithin(draft, link));
  if (only === undefined) return outsideValidity();
  if (others.length === 0) return only;
  return new BillingError('VALIDATION_FAILED', 'Several accounts could be meant: name one.', { field: 'account' });
}

function outsideValidity(): BillingError {
  const message = 'The window counts at an instant at which no link of the account is valid.';
  return new BillingError('VALIDATION_FAILED', message, { field: 'windowEnd' });
}
