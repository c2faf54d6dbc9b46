/** The chapter on what changes a balance by name, and the examples of what is left over when a contract ends. */
import type { SandboxControl } from '../../../sandbox/control';
import type { Chapter, Example } from '../example';

export const byName: Chapter = {
  title: 'Changing a balance by name',
  text: `What is due is billed, unless a person says otherwise, with a name and a reason. Each such word is an entry that is never
edited; \`identities\` counts it.`,
  examples: [
    {
      title: 'Waive what is due',
      text: 'Half of the late calls: the rest is billed with the next invoice. The key makes it harmless to send again.',
      document: `mutation ($input: WaiveBalanceInput!) { waiveBalance(input: $input) { isDuplicate
        entry { kind value reason actor product { name } contract { balances { product { name } waived due } } } } }`,
      variables: {
        input: {
          contractId: '{{contract}}',
          productOdooId: '{{calls}}',
          value: '0.25',
          reason: 'Slow answers on 31 March, ticket 4711',
          idempotencyKey: 'ticket-4711',
        },
      },
    },
    {
      title: 'Waive more than is due',
      text: '`details.due` tells what is.',
      document: `mutation ($input: WaiveBalanceInput!) { waiveBalance(input: $input) { entry { id } } }`,
      variables: {
        input: {
          contractId: '{{contract}}',
          productOdooId: '{{calls}}',
          value: '100',
          reason: 'Far too much',
        },
      },
      refused: 'VALIDATION_FAILED',
    },
    {
      title: 'What was done to balances',
      text: `Waived, settled by hand at an end, written off, and passed on: when a line leaves the order and another product takes
its place, with the same metric, mode, currency and units, what is due goes over.`,
      document: `{ balanceEntries(filter: { account: "acct_42" }) { nodes { kind value reason actor createdAt
        product { name } period { startOn } counterpart { product { name } } } } }`,
    },
    {
      title: 'Rate closed periods again',
      text: `After an upgrade: what only the newer version of the rating code would change is reported, and changes no balance.
Here it changes nothing.`,
      document: `mutation ($input: RerateClosedPeriodsInput!) { rerateClosedPeriods(input: $input) {
        periods { startOn state dirty } hasMore } }`,
      variables: { input: { contractId: '{{contract}}', reason: 'Upgrade of 2 April' } },
    },
    {
      title: 'What newer rating code would change',
      text: 'None here. One that is `OPEN` waits for a person.',
      at: '2026-04-02T09:05:00Z',
      document: `{ ratingDifferences(filter: { service: "nexacloud", states: [OPEN] }) { nodes { id fromVersion toVersion
        storedValue newValue period { startOn } charge { metric { code } } } } }`,
    },
    {
      title: 'Decide a rating difference',
      text: 'Accepted, it enters the balance; refused, the line stays as it was billed. An id that is not there is refused.',
      document: `mutation ($input: DecideRatingDifferenceInput!) { decideRatingDifference(input: $input) {
        ratingDifference { state decidedAt } } }`,
      variables: {
        input: { id: '01a20000-0000-7000-8000-00000000ffff', accept: false, reason: 'Billed as agreed' },
      },
      refused: 'NOT_FOUND',
    },
  ],
};

/** The customer's subscription churns in Odoo. */
async function endOrder(odoo: SandboxControl): Promise<void> {
  const [partner] = await odoo.records('res.partner', { name: 'Foxglove Maps' });
  for (const order of await odoo.records('sale.order', { partner_id: partner?.id ?? 0 }))
    await odoo.update('sale.order', Number(order.id), { subscription_state: '6_churn' });
}

export const contractEnds: readonly Example[] = [
  {
    title: 'What nothing will bill',
    text: `The customer churned: the order bills no more, and what is still due waits for a person. The same happens when a line
leaves the order, its charge is archived, and no other product takes its place.`,
    at: '2026-04-20T10:10:00Z',
    odoo: endOrder,
    document: `{ finalDues(filter: { account: "acct_42", states: [OPEN] }) { nodes {
        id value cause product { name } contract { openPeriod { blocks { reason message } } } } } }`,
    keep: { finalDue: 'finalDues.nodes.0.id' },
  },
  {
    title: 'Settle what nothing will bill',
    text: 'Once it is invoiced in Odoo by hand, credited, or let go.',
    document: `mutation ($input: SettleFinalDueInput!) { settleFinalDue(input: $input) {
        finalDue { state value entry { kind reason actor } } } }`,
    variables: { input: { id: '{{finalDue}}', how: 'INVOICED', reason: 'INV/2026/00042' } },
  },
];
