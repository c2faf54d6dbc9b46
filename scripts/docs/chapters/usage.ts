/** The chapter on recording usage, in the name of the service. */
import type { Chapter } from '../example';

const RECORD = `mutation ($input: RecordUsageInput!) { recordUsage(input: $input) {
  status record { id quantity countedAt receivedAt contentHash late unassignedReason } } }`;

function counter(hour: string, quantity: string, metric = 'api_calls'): Record<string, unknown> {
  const start = new Date(`${hour}:00:00Z`);
  return {
    account: 'acct_42',
    metric,
    windowStart: start.toISOString(),
    windowEnd: new Date(start.getTime() + 3_600_000).toISOString(),
    quantity,
    idempotencyKey: `nexacloud/acct_42/${metric}/${hour}Z`,
  };
}

export const usage: Chapter = {
  title: 'Recording usage',
  text: `With the key of the service. A counter is what was counted in a window of time. Its idempotency key belongs to what it
counts, for ever ([how to make one](idempotency.md)), so the rule after a lost answer is always the same: send again,
unchanged.`,
  examples: [
    {
      title: 'Record a counter',
      text: '`id`, `contentHash` and `receivedAt` are the receipt.',
      at: '2026-03-10T10:05:00Z',
      caller: 'service',
      document: RECORD,
      variables: { input: counter('2026-03-10T09', '2500') },
    },
    {
      title: 'Send it again',
      text: '`DUPLICATE`, with the receipt of the first time. Nothing counts twice, however late it is sent again.',
      caller: 'service',
      document: RECORD,
      variables: { input: counter('2026-03-10T09', '2500') },
    },
    {
      title: 'Send something else under the same key',
      text: 'Refused, and nothing changes. `details` has what is recorded and what was sent.',
      caller: 'service',
      document: RECORD,
      variables: { input: counter('2026-03-10T09', '2600') },
      refused: 'IDEMPOTENCY_CONFLICT',
    },
    {
      title: 'Record a batch',
      text: `Up to 1,000 counters in one transaction. One bad item never spoils the others: it is in \`rejections\`, with its place
in the batch and a problem. Sending the whole batch again is harmless.`,
      caller: 'service',
      document: `mutation ($input: RecordUsageBatchInput!) { recordUsageBatch(input: $input) {
        recordedCount duplicateCount rejectedCount
        rejections { index idempotencyKey problem { code message field retryable details } } } }`,
      variables: {
        input: {
          records: [
            counter('2026-03-10T09', '2500'),
            counter('2026-03-10T08', '700'),
            counter('2026-03-10T08', '480.5', 'storage_gb_hours'),
            counter('2026-03-10T07', '-1'),
          ],
        },
      },
    },
    {
      title: 'Make a metric that is a level',
      text: `A level is weighted by how long it held, and goes on from one period to the next. \`aggregation\` says what becomes of
a period's quantities, \`semantics\` what a quantity means.`,
      caller: 'installation',
      document: `mutation ($input: CreateMetricInput!) { createMetric(input: $input) {
        metric { code aggregation semantics signed recurring rounding { mode places } } } }`,
      variables: {
        input: {
          service: 'nexacloud',
          code: 'disk_gb',
          name: 'Disk',
          unit: 'GB',
          aggregation: 'WEIGHTED_SUM',
          signed: true,
          rounding: { mode: 'CEIL', places: 2 },
        },
      },
    },
    {
      title: 'Make a metric that is a meter',
      text: 'Its records are readings; what the meter rose since the reading before counts.',
      caller: 'installation',
      document: `mutation ($input: CreateMetricInput!) { createMetric(input: $input) {
        metric { code aggregation semantics } } }`,
      variables: {
        input: {
          service: 'nexacloud',
          code: 'traffic_gb',
          name: 'Traffic',
          unit: 'GB',
          aggregation: 'SUM',
          semantics: 'CUMULATIVE',
        },
      },
    },
    {
      title: 'Send readings of a meter',
      text: `A first reading counts from its \`opening\`. One below the reading before it is refused with both, unless \`reset\` says
that the meter began anew.`,
      caller: 'service',
      document: `mutation ($input: RecordUsageBatchInput!) { recordUsageBatch(input: $input) {
        recordedCount rejections { index problem { code message field details } } } }`,
      variables: {
        input: {
          records: [
            { ...counter('2026-03-10T07', '1240', 'traffic_gb'), opening: '1200' },
            counter('2026-03-10T08', '1275.5', 'traffic_gb'),
            counter('2026-03-10T09', '31', 'traffic_gb'),
          ],
        },
      },
    },
    {
      title: 'Look up a record by its key',
      text: 'Null when the key was never used.',
      caller: 'service',
      document: `query ($key: String!) { usageRecord(idempotencyKey: $key) {
        id metric { code } quantity windowStart windowEnd accountLink { account partner { name } } } }`,
      variables: { key: 'nexacloud/acct_42/api_calls/2026-03-10T09Z' },
    },
    {
      title: 'List records',
      text: 'Page by page: `endCursor` is the `after` of the next page.',
      caller: 'service',
      document: `query ($filter: UsageRecordFilter, $after: String) {
        usageRecords(filter: $filter, orderBy: COUNTED_AT_ASC, first: 2, after: $after) {
          nodes { id metric { code } quantity countedAt } pageInfo { hasNextPage endCursor } } }`,
      variables: { filter: { account: 'acct_42', countedFrom: '2026-03-10T00:00:00Z' } },
      keep: { page: 'usageRecords.pageInfo.endCursor' },
    },
    {
      title: 'The next page',
      text: 'The same question, from there on.',
      caller: 'service',
      document: `query ($filter: UsageRecordFilter, $after: String) {
        usageRecords(filter: $filter, orderBy: COUNTED_AT_ASC, first: 2, after: $after) {
          nodes { id metric { code } quantity countedAt } pageInfo { hasNextPage } } }`,
      variables: { filter: { account: 'acct_42', countedFrom: '2026-03-10T00:00:00Z' }, after: '{{page}}' },
    },
    {
      title: 'Take a record out of the count',
      text: 'A void is a record of its own, with its own key. Nothing is deleted, and sending the voided counter again revives nothing.',
      caller: 'service',
      document: `mutation ($input: VoidUsageInput!) { voidUsage(input: $input) {
        status record { idempotencyKey quantity voidedAt } } }`,
      variables: {
        input: {
          idempotencyKey: 'void nexacloud/acct_42/api_calls/2026-03-10T08Z',
          voids: 'nexacloud/acct_42/api_calls/2026-03-10T08Z',
          reason: 'A load test.',
        },
      },
    },
    {
      title: 'Void several records',
      text: 'In one transaction, in their order, answered like a batch of counters.',
      caller: 'service',
      document: `mutation ($input: VoidUsageBatchInput!) { voidUsageBatch(input: $input) {
        recordedCount duplicateCount rejectedCount results { index idempotencyKey status problem { code message field } } } }`,
      variables: {
        input: {
          voids: [
            {
              idempotencyKey: 'void nexacloud/acct_42/api_calls/2026-03-10T08Z',
              voids: 'nexacloud/acct_42/api_calls/2026-03-10T08Z',
              reason: 'A load test.',
            },
            {
              idempotencyKey: 'void nothing',
              voids: 'nexacloud/acct_42/api_calls/2026-03-09T08Z',
              reason: 'A load test.',
            },
          ],
        },
      },
    },
    {
      title: 'Give a record another quantity',
      text: 'A replacement is a record of its own, too. The counter keeps its key, its window and what was first sent; `effectiveQuantity` is what counts.',
      caller: 'service',
      document: `mutation ($input: ReplaceUsageInput!) { replaceUsage(input: $input) {
        status record { idempotencyKey quantity effectiveQuantity corrections { kind quantity reason } } } }`,
      variables: {
        input: {
          idempotencyKey: 'replace nexacloud/acct_42/api_calls/2026-03-10T09Z',
          replaces: 'nexacloud/acct_42/api_calls/2026-03-10T09Z',
          quantity: '2450',
          reason: 'Health checks were counted.',
        },
      },
    },
    {
      title: 'Replace several quantities',
      text: 'A later replacement takes the place of an earlier one. Two that arrive at the same time do not: one of them is told of the other.',
      caller: 'service',
      document: `mutation ($input: ReplaceUsageBatchInput!) { replaceUsageBatch(input: $input) {
        recordedCount results { status record { quantity effectiveQuantity } } } }`,
      variables: {
        input: {
          replacements: [
            {
              idempotencyKey: 'replace again nexacloud/acct_42/api_calls/2026-03-10T09Z',
              replaces: 'nexacloud/acct_42/api_calls/2026-03-10T09Z',
              quantity: '2500',
              reason: 'They are billed after all.',
            },
          ],
        },
      },
    },
    {
      title: 'Count records for another contract',
      text: `For usage that came to the wrong contract of its payer. Nothing is sent again: the records stay, and both contracts' closed
periods are rated again. What counts there already is a \`DUPLICATE\`. Needs \`billing:run\`.`,
      document: `mutation ($input: ReassignUsageInput!) { reassignUsage(input: $input) {
        recordedCount duplicateCount rejectedCount rejections { index problem { code message field } } } }`,
      variables: {
        input: {
          service: 'nexacloud',
          records: [
            { idempotencyKey: 'nexacloud/acct_42/api_calls/2026-03-10T09Z' },
            { idempotencyKey: 'void nexacloud/acct_42/api_calls/2026-03-10T08Z' },
          ],
          contractId: '{{contract}}',
          reason: 'The account was moved to its own subscription on 1 March.',
        },
      },
    },
    {
      title: 'Totals',
      text: `For dashboards, each row by the metric's own function: \`SUM\` adds up, \`MAX\` is the largest, \`WEIGHTED_SUM\` the level at the end of
the day. By \`PERIOD\` a row is what is charged for the whole billing period.`,
      caller: 'service',
      document: `query ($filter: UsageSummaryFilter!) { usageSummary(filter: $filter, groupBy: [ACCOUNT, DAY]) {
        asOf rows { accountLink { account } metric { code unit } aggregation start end quantity recordCount } } }`,
      variables: { filter: { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' } },
    },
    {
      title: 'What is missing',
      text: `A metric that expects an hourly or daily window of each series (\`expects\`) can tell what was not sent. A quantity of 0 covers its
window like any other. What never came within 32 days is not known, unless the account sent nothing at all.`,
      caller: 'service',
      document: `query ($input: CompletenessInput!) { completeness(input: $input) { expects from to complete
        series { dimensions meter covered { start end } gaps { start end } gapCount lastSeenAt silenceSeconds } } }`,
      variables: {
        input: {
          account: 'acct_42',
          metric: 'api_calls',
          from: '2026-03-10T07:00:00Z',
          to: '2026-03-10T11:00:00Z',
        },
      },
    },
  ],
};
