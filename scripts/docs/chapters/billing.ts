/** The chapters from usage to the invoice: what is due and why, the close, the write to Odoo, and the proof. */
import { addSubscription } from '../../../sandbox/world';
import type { Chapter } from '../example';

export const due: Chapter = {
  title: 'What is due, and why',
  text: 'Before a period closes, its worth is worked out by the very code that will close it.',
  examples: [
    {
      title: 'What the open period is worth so far',
      text: `2,500 calls, of which 1,000 are free: 1.5 product units at 0.25, the price of Odoo's line. 480.5 GB hours at 0.0125.
\`explanation\` says how each amount came about, step by step. An account with several contracts is asked by \`contractId\`.`,
      caller: 'service',
      document: `query ($account: String!) { currentUsage(account: $account) { asOf amount currency period { start end state }
        lines { charge { metric { code } mode } units billableUnits value amount
          explanation { fromUnits units unitPrice amount } }
        obstacles { reason message } } }`,
      variables: { account: 'acct_42' },
    },
    {
      title: 'What units would cost',
      text: 'Nothing is stored. A charge of mode QUANTITY needs its contract, whose order has the price.',
      caller: 'service',
      document: `query ($input: EstimateUsageInput!) { estimateUsage(input: $input) { amount currency
        lines { units billableUnits value explanationText } } }`,
      variables: { input: { contractId: '{{contract}}', metric: 'api_calls', units: '10000' } },
    },
    {
      title: 'What they would add',
      text: 'On top of what the open period has come to: the free units are used up already.',
      caller: 'service',
      document: `query ($input: EstimateUsageInput!) { estimateUsage(input: $input) { amount currentAmount difference currency
        lines { units billableUnits explanationText } } }`,
      variables: {
        input: { contractId: '{{contract}}', metric: 'api_calls', units: '10000', onTopOfCurrent: true },
      },
    },
    {
      title: 'Balances',
      text: `For each product: \`truth\` is what all usage is worth, \`billed\` what Odoo has invoiced, \`due\` the rest, and \`target\` what is
written to Odoo next. A period counts once it is closed.`,
      caller: 'service',
      document: `query ($id: ID!) { balances(contractId: $id) {
        product { name } mode truth billed waived due target remainder } }`,
      variables: { id: '{{contract}}' },
    },
    {
      title: 'A subscription',
      text: 'As the mirror has it; `asOf` is the instant at which it equalled Odoo.',
      caller: 'service',
      document: `query ($id: ID!) { subscription(id: $id) { name state nextInvoiceOn asOf
        lines { description unitPrice orderedQuantity deliveredQuantity invoicedQuantity charges { metric { code } } } } }`,
      variables: { id: '{{subscription}}' },
    },
    {
      title: 'A contract',
      text: 'The chain of orders that renewals make of one subscription: what periods, balances and usage belong to.',
      caller: 'service',
      document: `query ($id: ID!) { contract(id: $id) { subscriptions { name } partner { name }
        openPeriod { startOn endOn state } billers { biller from to reason } } }`,
      variables: { id: '{{contract}}' },
    },
    {
      title: 'Find by account',
      text: 'No id needs to be known: lists can be asked by the account of the service.',
      caller: 'service',
      document: `{ billingPeriods(filter: { account: "acct_42", states: [OPEN] }) {
        nodes { id startOn endOn state derived contract { balances { due product { name } } } } } }`,
      keep: { period: 'billingPeriods.nodes.0.id' },
    },
  ],
};

export const close: Chapter = {
  title: 'Closing a period, writing to Odoo',
  text: `A period closes by itself, two hours after its end (\`GRACE\`). Then the quantity that is due is written to the line in Odoo
and read back. \`billing:run\` is needed only to do by hand what the worker does every minute.`,
  examples: [
    {
      title: 'Show what a close would bill',
      text: '`dryRun` stores nothing.',
      at: '2026-04-01T02:00:00Z',
      idle: true,
      document: `mutation ($input: ClosePeriodInput!) { closePeriod(input: $input) {
        period { state } lines { charge { metric { code } } units value amount currency } } }`,
      variables: { input: { periodId: '{{period}}', dryRun: true } },
    },
    {
      title: 'Close a period by hand',
      text: 'Closing a closed one is harmless.',
      document: `mutation ($input: ClosePeriodInput!) { closePeriod(input: $input) {
        period { startOn endOn state closedAt } lines { charge { metric { code } } units value } } }`,
      variables: { input: { periodId: '{{period}}' } },
    },
    {
      title: 'Rated lines',
      text: 'What each charge is worth in each period. A line is never edited: late usage makes a new revision.',
      document: `{ billableLines(filter: { account: "acct_42", newest: true }) { nodes {
        charge { metric { code } } revision units billableUnits value amount currency adjustments { value } } } }`,
    },
    {
      title: 'Let missing usage go',
      text: `A hole blocks its product (\`USAGE_GAP\`): with the charge's \`onGap\` \`BILL_KNOWN\` it only tells so, with \`HOLD\` nothing is billed until
the usage came or a person lets it go. The waiver is printed on the rated lines (\`gapWaivers\`).`,
      document: `mutation ($input: WaiveGapInput!) { waiveGap(input: $input) { waiver { from to name reason actor } } }`,
      variables: {
        input: {
          service: 'nexacloud',
          periodId: '{{period}}',
          metric: 'api_calls',
          from: '2026-03-12T08:00:00Z',
          to: '2026-03-12T10:00:00Z',
          name: 'Ada Lovelace',
          reason: 'The collector was down.',
        },
      },
    },
    {
      title: 'A write that Odoo refuses',
      text: 'It is not tried again by itself: a person must look. Here Odoo refused one of the two lines.',
      at: '2026-04-01T02:01:00Z',
      odoo: (odoo) => odoo.addFault({ fault: 'refused', match: { method: 'web_save' } }),
      document: `{ writeBacks(filter: { states: [BLOCKED] }) { nodes { id product { name } kind state target readBack attempts
        blockReason problem { code message retryable details } } } }`,
      keep: { blocked: 'writeBacks.nodes.0.id' },
    },
    {
      title: 'Send a blocked write-back again',
      text: 'Once the cause is mended.',
      document: `mutation ($input: RetryWriteBackInput!) { retryWriteBack(input: $input) {
        writeBack { product { name } state target } } }`,
      variables: { input: { id: '{{blocked}}' } },
    },
    {
      title: 'Write-backs with their attempts',
      text: '`readBack` is what the line held after the write, as Odoo said itself.',
      at: '2026-04-01T02:02:00Z',
      document: `{ writeBacks(filter: { account: "acct_42" }, orderBy: CREATED_AT_ASC) { nodes { product { name } kind state target
        readBack attempts attemptLog { outcome value readBack startedAt problem { code } } } } }`,
    },
    {
      title: 'After the invoice',
      text: `Odoo's own run came at noon: price, tax, number and mail are its affair. The invoice is seen, and the line holds 0 again
until the next period is due.`,
      at: '2026-04-01T12:01:00Z',
      document: `{ billingPeriods(filter: { account: "acct_42", states: [CLOSED] }) { nodes { startOn endOn
        writeBacks { product { name } kind state target readBack } contract { balances { product { name } truth billed due } } } } }`,
    },
    {
      title: 'Late usage',
      text: 'A counter of a closed period is taken all the same.',
      caller: 'service',
      at: '2026-04-02T09:00:00Z',
      document: `mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { status record { late countedAt } } }`,
      variables: {
        input: {
          account: 'acct_42',
          metric: 'api_calls',
          windowStart: '2026-03-31T23:00:00Z',
          windowEnd: '2026-04-01T00:00:00Z',
          quantity: '500',
          idempotencyKey: 'nexacloud/acct_42/api_calls/2026-03-31T23Z',
        },
      },
    },
    {
      title: 'What late usage does',
      text: 'Nothing closed is edited: there is a second revision, the difference is an adjustment, and it is due with the next invoice.',
      at: '2026-04-02T09:02:00Z',
      document: `{ billableLines(filter: { account: "acct_42", metric: "api_calls" }, orderBy: CREATED_AT_ASC) { nodes { revision
        units value adjustments { value reason } period { startOn contract { balances { product { name } due } } } } } }`,
    },
    {
      title: 'Where a counter went',
      text: `From its key to the line of the invoice. It shares its line with others, so the line tells what it is worth and how many
records it is made of. This counter came late: the adjustment is not invoiced yet.`,
      caller: 'service',
      document: `query ($key: String!) { traceRecord(idempotencyKey: $key) { outcome contractReason period { startOn state }
        charge { metric { code } } lines { revision units value recordCount } adjustments { value target { startOn } }
        writeBacks { kind target state }
        settlements { billed period { startOn } invoiceLine { odooId quantity invoice { number state invoiceOn } } } } }`,
      variables: { key: 'nexacloud/acct_42/api_calls/2026-03-31T23Z' },
      keep: { invoiceLine: 'traceRecord.settlements.0.invoiceLine.odooId' },
    },
    {
      title: 'What a line of an invoice is made of',
      text: `From Odoo's id of the line back to the counters: quantity = \`worth\` + \`adjusted\` + \`rest\`. \`SINCE\` came later, and is in
a later line.`,
      caller: 'service',
      document: `query ($odooId: Int!) { traceInvoiceLine(odooId: $odooId) { status asOf worth adjusted rest
        invoiceLine { quantity unitPrice subtotal invoice { number } }
        worths { period { startOn } atWrite { units revision recordCount } now { units revision recordCount } }
        records(first: 5) { nodes { part record { idempotencyKey effectiveQuantity } } pageInfo { hasNextPage } } } }`,
      variables: { odooId: '{{invoiceLine}}' },
    },
  ],
};

export const derived: Chapter = {
  title: 'A customer who came running',
  text: `The first period of a subscription that ran before it was first seen is derived from its next invoice date. A person
confirms it before anything is written to Odoo.`,
  examples: [
    {
      title: 'Periods that wait for a person',
      text: '`blocked: true` finds every period that cannot be billed as it is, with the reason.',
      at: '2026-04-20T09:00:00Z',
      odoo: (odoo) =>
        addSubscription(odoo, {
          partner: { name: 'Granite Hosting' },
          startDate: '2025-06-01',
          nextInvoiceDate: '2026-05-01',
          lines: [{ code: 'CALLS', price: 0.25 }],
        }),
      document: `{ billingPeriods(filter: { blocked: true }) { nodes {
        id startOn endOn derived confirmedAt contract { partner { name } } blocks { reason message } } } }`,
      keep: { derived: 'billingPeriods.nodes.0.id' },
    },
    {
      title: 'Confirm a period',
      text: 'With `start`, when its true first day is another one.',
      document: `mutation ($input: ConfirmPeriodInput!) { confirmPeriod(input: $input) {
        period { startOn endOn derived confirmedAt } } }`,
      variables: { input: { id: '{{derived}}' } },
    },
  ],
};

export const proof: Chapter = {
  title: 'Proof, freshness, history',
  text: 'Whether everything counts once, how fresh the mirror is, and who changed what.',
  examples: [
    {
      title: 'The identities',
      text: 'Every record counts once; all units are charged; truth = billed + waived + balance. `holds` is the alarm.',
      document: `{ identities(filter: { service: "nexacloud" }) { holds checked
        records { metric { code } accepted effective voided inPeriod difference }
        units { metric { code } aggregated charged unpriced difference }
        money { product { name } truth billed waived balance difference } } }`,
    },
    {
      title: 'The receipt of a record, proven',
      text: `Blocks of the ledger are sealed every minute; each holds the hashes of its records and of the block before. With
\`text\`, \`recordHash\`, the hashes of \`path\` and \`blockHash\` anybody can check the proof; they differ in every
installation and are left out here.`,
      document: '{ receiptProof(id: "1") { recordId state blockNumber sealedAt path { side } } }',
    },
    {
      title: 'The ledger, verified',
      text: `Every record is hashed again and compared with its block: \`faults\` names what was edited, removed, moved or slipped
in. Note \`lastHash\` elsewhere: it vouches for everything before. \`npx fusion-billing verify-ledger\` does all of it, with
progress.`,
      document: '{ verifyLedger { holds blocks rows lastBlock hasMore faults { kind recordId message } } }',
    },
    {
      title: 'How fresh the mirror is',
      text: '`asOf` is the instant as of which all mirrored records equal Odoo.',
      document:
        '{ syncStatus { asOf odooReachable models { model asOf running lastRun { full read inserted updated gone } } } }',
    },
    {
      title: 'Read Odoo now',
      text: 'Instead of within the minute. `full` compares everything, and notices what is gone.',
      document: `mutation ($input: SyncNowInput!) { syncNow(input: $input) { runs { id model full requestedAt startedAt } } }`,
      variables: { input: { models: ['SUBSCRIPTION'], full: true } },
    },
    {
      title: 'Readings of Odoo',
      text: 'A record that cannot be read is set aside with its reason; the others are stored.',
      at: '2026-04-20T09:01:00Z',
      document: `{ syncRuns(filter: { models: [SUBSCRIPTION], full: true }, first: 1) { nodes {
        model full requestedAt finishedAt read inserted updated unchanged gone setAsideCount setAside { nodes { message } } error } } }`,
    },
    {
      title: 'Who changed what',
      text: 'An entry is written in the transaction it tells of.',
      document: `{ auditEntries(filter: { service: "nexacloud", subjectType: "metric" }, orderBy: AT_ASC) {
        nodes { at actor action subjectType subjectId details } } }`,
    },
    {
      title: 'What an operation costs',
      text: `Every answer to a valid operation tells its cost in \`extensions\` ([limits](limits.md)); the answers on this page leave it
out, except here.`,
      document: '{ metrics(first: 10) { nodes { code } } }',
      extensions: true,
    },
  ],
};
