/** Loaders: reads by key, gathered over one request, so that a list of nodes costs one query a field. */
import DataLoader from 'dataloader';
import type { Ctx } from '../ctx';
import { balanceEntriesByIds } from '../services/balance-entries';
import { balancesByContractIds } from '../services/balances';
import { periodPagesByContractIds } from '../services/billing-lists';
import {
  adjustmentsByLineIds,
  attemptsByWriteBackIds,
  blocksByPeriodIds,
  explanationsOfLines,
  newestLinesByPeriodIds,
  openPeriodsByContractIds,
  periodsByIds,
  spansByContractIds,
  writeBacksByIds,
  writeBacksByPeriodIds,
} from '../services/billing-reads';
import { accountLinksByIds } from '../services/account-links';
import { apiKeysByIds } from '../services/api-keys';
import { usageAlertsByIds } from '../services/usage-alert-lists';
import { chargesByIds, chargesByMetricIds, nextVersionsByIds } from '../services/catalog-charge-reads';
import { pinsByContractIds } from '../services/charge-pins';
import { metricsByIds } from '../services/catalog-metrics';
import { partnersByIds, productsByIds } from '../services/catalog-references';
import { servicesByIds } from '../services/catalog-services';
import { contractsByIds } from '../services/contracts';
import { finalDuesByIds } from '../services/final-dues';
import { linePinsByContractIds } from '../services/line-pins';
import { ratingDifferencesByIds } from '../services/rating-differences';
import { gapWaiversByLineIds } from '../services/gap-waivers';
import {
  chargesByProductOdooIds,
  currencyCodesByOdooIds,
  instantsOfRows,
  linesBySubscriptionOdooIds,
  partnersByOdooIds,
  plansByOdooIds,
  productsByOdooIds,
  subscriptionLinesByIds,
  subscriptionPagesByContractIds,
  subscriptionPagesByPartnerOdooIds,
  subscriptionsByContractIds,
  subscriptionsByOdooIds,
} from '../services/mirror-reads';

import type { Page, PageArgs } from '../services/page';

const MAX_BATCH_SIZE = 1_000;

/**
 * Makes a loader of a service's `...ByIds(ctx, keys)` read, one instance a request:
 * `const metricById = loader(metricsByIds)`, used as `metricById(ctx).load(id)`. A key without a row gives null.
 */
export function loader<K, V>(
  read: (ctx: Ctx, keys: readonly K[]) => Promise<Map<K, V>>,
): (ctx: Ctx) => DataLoader<K, V | null> {
  const instances = new WeakMap<Ctx, DataLoader<K, V | null>>();
  return (ctx) => {
    const known = instances.get(ctx);
    if (known !== undefined) return known;
    const instance = new DataLoader<K, V | null>(
      async (keys) => {
        const found = await read(ctx, keys);
        return keys.map((key) => found.get(key) ?? null);
      },
      { maxBatchSize: MAX_BATCH_SIZE },
    );
    instances.set(ctx, instance);
    return instance;
  };
}

/** The same for the pages of a list within each node: one query for all nodes that ask for the same page. */
function pageLoader<K, V>(
  read: (ctx: Ctx, parents: readonly K[], page: PageArgs) => Promise<Map<K, Page<V>>>,
): (ctx: Ctx, page: PageArgs) => DataLoader<K, Page<V> | null> {
  const loaders = new WeakMap<Ctx, Map<string, DataLoader<K, Page<V> | null>>>();
  return (ctx, { first, after }) => {
    const ofRequest = loaders.get(ctx) ?? new Map<string, DataLoader<K, Page<V> | null>>();
    loaders.set(ctx, ofRequest);
    const name = JSON.stringify([first, after]);
    const instance =
      ofRequest.get(name) ?? loader<K, Page<V>>((_, parents) => read(ctx, parents, { first, after }))(ctx);
    ofRequest.set(name, instance);
    return instance;
  };
}

export const accountLinkById = loader(accountLinksByIds);
export const apiKeyById = loader(apiKeysByIds);
export const usageAlertById = loader(usageAlertsByIds);
export const balanceEntryById = loader(balanceEntriesByIds);
export const finalDueById = loader(finalDuesByIds);
export const ratingDifferenceById = loader(ratingDifferencesByIds);
export const chargeById = loader(chargesByIds);
export const chargesByMetricId = loader(chargesByMetricIds);
export const contractById = loader(contractsByIds);
export const nextVersionById = loader(nextVersionsByIds);
export const pinsByContractId = loader(pinsByContractIds);
export const linePinsByContractId = loader(linePinsByContractIds);
export const metricById = loader(metricsByIds);
export const partnerById = loader(partnersByIds);
export const productById = loader(productsByIds);
export const serviceById = loader(servicesByIds);
export const spansByContractId = loader(spansByContractIds);
export const openPeriodByContractId = loader(openPeriodsByContractIds);
export const periodById = loader(periodsByIds);
export const linesByPeriodId = loader(newestLinesByPeriodIds);
export const blocksByPeriodId = loader(blocksByPeriodIds);
export const attemptsByWriteBackId = loader(attemptsByWriteBackIds);
export const balancesByContractId = loader(balancesByContractIds);
export const periodPageByContractId = pageLoader(periodPagesByContractIds);
export const explanationOfLine = loader(explanationsOfLines);
export const adjustmentsByLineId = loader(adjustmentsByLineIds);
export const writeBackById = loader(writeBacksByIds);
export const writeBacksByPeriodId = loader(writeBacksByPeriodIds);
export const chargesByProductOdooId = loader(chargesByProductOdooIds);
export const currencyCodeByOdooId = loader(currencyCodesByOdooIds);
export const gapWaiversByLineId = loader(gapWaiversByLineIds);
export const instantOfRow = loader(instantsOfRows);
export const linesBySubscriptionOdooId = loader(linesBySubscriptionOdooIds);
export const partnerByOdooId = loader(partnersByOdooIds);
export const planByOdooId = loader(plansByOdooIds);
export const productByOdooId = loader(productsByOdooIds);
export const subscriptionByOdooId = loader(subscriptionsByOdooIds);
export const subscriptionLineById = loader(subscriptionLinesByIds);
export const subscriptionPageByContractId = pageLoader(subscriptionPagesByContractIds);
export const subscriptionPageByPartnerOdooId = pageLoader(subscriptionPagesByPartnerOdooIds);
export const subscriptionsByContractId = loader(subscriptionsByContractIds);
