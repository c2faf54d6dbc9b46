/** The GraphQL schema, built from all resolvers. schema.graphql is printed from it. */
import assert from 'node:assert/strict';
import { isInputObjectType, isObjectType, type GraphQLSchema } from 'graphql';
import { buildSchemaSync, getMetadataStorage, type NonEmptyArray } from 'type-graphql';
import { AccountLinksResolver } from './account-links';
import { ApiKeysResolver } from './api-keys';
import { AuditEntriesResolver } from './audit-entries';
import { authChecker } from './auth';
import { BalanceEntriesResolver, WaiveBalancePayloadResolver } from './balance-entries';
import { BalancesResolver } from './balances';
import { BillingPeriodsResolver, ClosePeriodPayloadResolver, ConfirmPeriodPayloadResolver } from './billing-periods';
import { CompletenessResolver, SeriesCompletenessResolver } from './completeness';
import { BillerSpansResolver, ContractsResolver } from './contracts';
import { CurrentUsageResolver } from './current-usage';
import { FinalDuesResolver, SettleFinalDuePayloadResolver } from './final-dues';
import {
  IdentitiesResolver,
  MoneyIdentitiesResolver,
  RecordsIdentitiesResolver,
  UnitsIdentitiesResolver,
} from './identities';
import { AdjustmentsResolver, BillableLinesResolver, RatedLinesResolver } from './rated-lines';
import {
  DecideRatingDifferencePayloadResolver,
  RatingDifferencesResolver,
  RerateClosedPeriodsPayloadResolver,
} from './rating-differences';
import { LedgerResolver } from './ledger';
import { ServiceStageResolver } from './service-stage';
import { RetryWriteBackPayloadResolver, WriteBackAttemptsResolver, WriteBacksResolver } from './write-backs';
import { ChargePinsResolver, PinnedContractsResolver } from './charge-pins';
import { ChargeVersionsResolver } from './charge-versions';
import { ChargesResolver } from './charges';
import { LinePinnedContractsResolver, LinePinsResolver } from './line-pins';
import { MetricsResolver } from './metrics';
import { observeRootFields } from './observed-requests';
import { takeRawInputs } from './raw-inputs';
import { PartnersResolver, PlansResolver, ProductsResolver } from './mirror-nouns';
import { SCALARS_MAP } from './scalars';
import { ServicesResolver } from './services';
import { InvoiceLinesResolver, InvoicesResolver, SlotSettlementsResolver } from './settlements';
import { InvoiceLineTraceResolver, TracedRecordsResolver, TracedWorthsResolver } from './trace-invoice-line';
import { RecordTraceResolver, UsageAssignmentsResolver } from './trace-record';
import { UsageAlertEventsResolver, UsageAlertsResolver } from './usage-alerts';
import { UsageCorrectionsResolver } from './usage-corrections';
import { UsageEstimatesResolver } from './usage-estimates';
import { UsageReassignResolver } from './usage-reassign';
import { UsageRecordsResolver } from './usage-records';
import { UsageSummaryResolver } from './usage-summary';
import { SubscriptionLinesResolver, SubscriptionsResolver } from './subscriptions';
import { SyncResolver } from './sync';
import { ViewerResolver } from './viewer';

// eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- type-graphql's own type of a resolver class
const RESOLVERS: NonEmptyArray<Function> = [
  AccountLinksResolver,
  AdjustmentsResolver,
  ApiKeysResolver,
  AuditEntriesResolver,
  BalanceEntriesResolver,
  BalancesResolver,
  BillableLinesResolver,
  BillerSpansResolver,
  BillingPeriodsResolver,
  ChargePinsResolver,
  ChargeVersionsResolver,
  ChargesResolver,
  PinnedContractsResolver,
  ClosePeriodPayloadResolver,
  CompletenessResolver,
  ConfirmPeriodPayloadResolver,
  ContractsResolver,
  CurrentUsageResolver,
  DecideRatingDifferencePayloadResolver,
  FinalDuesResolver,
  IdentitiesResolver,
  InvoiceLineTraceResolver,
  LinePinnedContractsResolver,
  LinePinsResolver,
  InvoiceLinesResolver,
  InvoicesResolver,
  LedgerResolver,
  MetricsResolver,
  MoneyIdentitiesResolver,
  PartnersResolver,
  PlansResolver,
  ProductsResolver,
  RatedLinesResolver,
  RecordTraceResolver,
  RatingDifferencesResolver,
  RecordsIdentitiesResolver,
  RerateClosedPeriodsPayloadResolver,
  RetryWriteBackPayloadResolver,
  SeriesCompletenessResolver,
  ServiceStageResolver,
  ServicesResolver,
  SlotSettlementsResolver,
  SettleFinalDuePayloadResolver,
  SubscriptionLinesResolver,
  SubscriptionsResolver,
  SyncResolver,
  TracedRecordsResolver,
  TracedWorthsResolver,
  UnitsIdentitiesResolver,
  UsageAssignmentsResolver,
  UsageAlertEventsResolver,
  UsageAlertsResolver,
  UsageCorrectionsResolver,
  UsageEstimatesResolver,
  UsageReassignResolver,
  UsageRecordsResolver,
  UsageSummaryResolver,
  ViewerResolver,
  WaiveBalancePayloadResolver,
  WriteBackAttemptsResolver,
  WriteBacksResolver,
];

/** Inputs of which exactly one field is given: type-graphql has no word for `@oneOf`. */
const ONE_OF_INPUTS = ['PriceModelInput'];

/** Types that type-graphql makes by itself. */
const ROOT_DESCRIPTIONS = {
  Query:
    'What can be read. A list shows what the key may see; an id of something else is answered like one that does not exist.',
  Mutation:
    'What can be changed. Every field is nullable, so that one that fails does not hide the answer of its neighbour.',
};

let made: GraphQLSchema | undefined;

/** The schema of this process: made once, for it takes a while and holds no state. */
export function graphqlSchema(): GraphQLSchema {
  return (made ??= buildGraphqlSchema());
}

/** @throws AssertionError when a root field says nothing about who may ask. */
export function buildGraphqlSchema(): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: RESOLVERS,
    authChecker,
    scalarsMap: SCALARS_MAP,
    validate: false,
    // It would ask the schema for all it has, at each start: tests do.
    skipCheck: true,
  });
  for (const name of ONE_OF_INPUTS) {
    const type = schema.getType(name);
    assert(isInputObjectType(type));
    type.isOneOf = true;
  }
  for (const [name, description] of Object.entries(ROOT_DESCRIPTIONS)) {
    const type = schema.getType(name);
    assert(isObjectType(type));
    type.description = description;
  }
  const { queries, mutations } = getMetadataStorage();
  for (const { schemaName, roles } of [...queries, ...mutations]) {
    assert(roles !== undefined, `${schemaName} lacks @Authorized`);
  }
  return observeRootFields(takeRawInputs(schema));
}
