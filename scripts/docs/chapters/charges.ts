/** Prices that differ: by what a record is, by the day, by the contract. */
import type { Chapter } from '../example';

export const charges: Chapter = {
  title: 'Prices that differ',
  text: `A charge may price records apart by their dimensions, change its terms at the start of a period, and hold for one plan or
one contract only. [The domain](domain.md#charges) says which charge rates what.`,
  examples: [
    {
      title: 'Filters and groups',
      text: `Each filter has a price of its own, and a record is priced by exactly one of them, or by the charge itself. Each value of
\`groupBy\` begins with the first tier again. The warning names filters of which neither is narrower than the other.`,
      document: `mutation ($input: CreateChargeInput!) { createCharge(input: $input) {
        charge { id filters { name match { dimension values } freeUnits } groupBy contract { id } validFrom } warnings } }`,
      variables: {
        input: {
          service: 'nexacloud',
          metric: 'storage_gb_hours',
          mode: 'AMOUNT',
          productOdooId: '{{metered}}',
          currency: 'USD',
          contractId: '{{contract}}',
          validFrom: '2026-06-01',
          price: { standard: { unitPrice: '0.0125' } },
          filters: [
            {
              name: 'Europe',
              match: [{ dimension: 'region', values: ['fr', 'de'] }],
              price: { standard: { unitPrice: '0.011' } },
            },
            {
              name: 'archive',
              match: [{ dimension: 'class', values: ['cold'] }],
              freeUnits: '100',
              price: { standard: { unitPrice: '0.002' } },
            },
          ],
          groupBy: ['project'],
        },
      },
      keep: { filtered: 'createCharge.charge.id' },
    },
    {
      title: "Change the price at a period's start",
      text: `What is not sent stays. Periods that begin before the day are rated with the version before, late usage of theirs
included.`,
      document: `mutation ($input: CreateChargeVersionInput!) { createChargeVersion(input: $input) {
        charge { id validFrom validTo minimumAmount filters { name } previous { validFrom validTo } } warnings } }`,
      variables: { input: { id: '{{filtered}}', validFrom: '2026-09-01', minimumAmount: '10.00' } },
      keep: { version: 'createChargeVersion.charge.id' },
    },
    {
      title: 'A version of a period that is rated',
      text: 'What is rated stays.',
      document: `mutation ($input: CreateChargeVersionInput!) { createChargeVersion(input: $input) { charge { id } } }`,
      variables: { input: { id: '{{callsCharge}}', validFrom: '2026-03-01', freeUnits: '2000' } },
      refused: 'CONFLICT',
    },
    {
      title: 'Pin a charge',
      text: `Two charges that fit a contract equally well block it (\`AMBIGUOUS_CHARGE\`) until somebody decides which one rates it.`,
      document: `mutation ($input: PinChargeInput!) { pinCharge(input: $input) {
        pin { charge { product { name } } metric { code } actor reason pinnedAt } } }`,
      variables: { input: { contractId: '{{contract}}', chargeId: '{{callsCharge}}', reason: 'As the offer says.' } },
    },
    {
      title: 'Take the pin off',
      text: 'What is rated stays; a period that is open is decided anew.',
      document: `mutation ($input: UnpinChargeInput!) { unpinCharge(input: $input) { pin { charge { id } reason } } }`,
      variables: { input: { contractId: '{{contract}}', chargeId: '{{callsCharge}}', reason: 'The offer is over.' } },
    },
    {
      title: 'Pin a line',
      text: `Two lines of an order with one product block it (\`AMBIGUOUS_LINE\`) until somebody decides which one carries what
is due. The others are emptied first.`,
      document: `mutation ($input: PinLineInput!) { pinLine(input: $input) {
        pin { line { odooId } product { name } actor reason pinnedAt } } }`,
      variables: { input: { contractId: '{{contract}}', lineId: '{{callsLine}}', reason: 'The line of the offer.' } },
    },
    {
      title: 'Take the pin off the line',
      text: 'What is billed stays; where two lines carry the product, both wait again.',
      document: `mutation ($input: UnpinLineInput!) { unpinLine(input: $input) { pin { line { odooId } reason } } }`,
      variables: { input: { contractId: '{{contract}}', lineId: '{{callsLine}}', reason: 'One line is enough.' } },
    },
    {
      title: 'Archive the newest version first',
      text: 'The one before it holds until its day.',
      document: `mutation ($input: ArchiveChargeInput!) { archiveCharge(input: $input) { charge { validFrom archivedAt } } }`,
      variables: { input: { id: '{{version}}' } },
    },
    {
      title: 'And then the one before',
      text: 'Neither has rated anything.',
      document: `mutation ($input: ArchiveChargeInput!) { archiveCharge(input: $input) { charge { validFrom validTo archivedAt } } }`,
      variables: { input: { id: '{{filtered}}' } },
    },
  ],
};
