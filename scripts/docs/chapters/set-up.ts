/** The chapters on what must be there before usage is sent: the service, what it counts, what Odoo bills, accounts, keys. */
import type { Chapter } from '../example';

export const whoAmI: Chapter = {
  title: 'Who am I',
  text: 'A key tells who is asking and what it may do. `viewer` is the first thing to try with a new one.',
  examples: [
    {
      title: 'The key of this request',
      text: 'This is the key of the whole installation (`ADMIN_API_KEY`): it belongs to no service and has every scope.',
      document: '{ viewer { apiKey { name expiresAt } service { code } scopes } }',
    },
  ],
};

export const catalogue: Chapter = {
  title: 'Setting up a service',
  text: `A service owns metrics: what it counts. A charge lets a product of Odoo carry a metric. Whatever is set up is
written down in the audit entries, and nothing that was used is ever deleted: it is archived.`,
  examples: [
    {
      title: 'What Odoo has',
      text: `Subscriptions are made in Odoo and mirrored here every minute. Note \`odooId\` of the products whose quantities
are metered, and of the partner: they are needed below.`,
      document: `{ subscriptions(first: 10) { nodes { id name startOn nextInvoiceOn currency partner { odooId name }
        lines { id product { odooId name invoicedOnDelivery } unitPrice } contract { id } } pageInfo { hasNextPage } } }`,
      keep: {
        subscription: 'subscriptions.nodes.0.id',
        contract: 'subscriptions.nodes.0.contract.id',
        partner: 'subscriptions.nodes.0.partner.odooId',
        callsLine: 'subscriptions.nodes.0.lines.1.id',
        calls: 'subscriptions.nodes.0.lines.1.product.odooId',
        metered: 'subscriptions.nodes.0.lines.2.product.odooId',
      },
    },
    {
      title: 'Make a service',
      text: 'It begins in the stage `SHADOW`: usage is recorded and rated, and Odoo bills none of it.',
      document: `mutation ($input: CreateServiceInput!) {
        createService(input: $input) { service { id code name stage } } }`,
      variables: { input: { code: 'nexacloud', name: 'Nexa' } },
    },
    {
      title: 'Change what is given of a service',
      text: 'Update mutations change only what is sent.',
      document: `mutation ($input: UpdateServiceInput!) { updateService(input: $input) { service { code name stage } } }`,
      variables: { input: { service: 'nexacloud', name: 'Nexa Cloud' } },
    },
    {
      title: 'List services',
      text: 'Every list is a connection: `nodes`, or `edges` with a cursor each, and `pageInfo`.',
      document: '{ services { nodes { code name stage createdAt archivedAt } pageInfo { hasNextPage } } }',
    },
    {
      title: 'Make a metric',
      text: 'How it counts (`aggregation`, `semantics`) is fixed once there is usage of it.',
      document: `mutation ($input: CreateMetricInput!) {
        createMetric(input: $input) { metric { id code name unit aggregation semantics } } }`,
      variables: {
        input: { service: 'nexacloud', code: 'api_calls', name: 'Calls', unit: 'call', aggregation: 'SUM' },
      },
    },
    {
      title: 'Change a metric',
      text: 'The code stays: usage is sent under it. From now on a counter is expected for every hour.',
      document:
        'mutation ($input: UpdateMetricInput!) { updateMetric(input: $input) { metric { code name expects } } }',
      variables: { input: { service: 'nexacloud', metric: 'api_calls', name: 'API calls', expects: 'HOUR' } },
    },
    {
      title: 'Make a second metric',
      text: 'One that we will price ourselves.',
      document: 'mutation ($input: CreateMetricInput!) { createMetric(input: $input) { metric { code unit } } }',
      variables: {
        input: {
          service: 'nexacloud',
          code: 'storage_gb_hours',
          name: 'Storage',
          unit: 'GB hour',
          aggregation: 'SUM',
        },
      },
    },
    {
      title: 'List metrics',
      text: 'Archived ones are among them; `archived: false` leaves them out.',
      document: '{ metrics(service: "nexacloud", archived: false) { nodes { code name unit aggregation semantics } } }',
    },
    {
      title: 'Make a charge that Odoo prices',
      text: `Mode \`QUANTITY\`: we count, and Odoo's line has the price. The first 1,000 calls of a period are free, and one unit of
the product is 1,000 calls.`,
      document: `mutation ($input: CreateChargeInput!) { createCharge(input: $input) {
        charge { id mode product { odooId name } freeUnits unitsPerProductUnit } } }`,
      variables: {
        input: {
          service: 'nexacloud',
          metric: 'api_calls',
          mode: 'QUANTITY',
          productOdooId: '{{calls}}',
          freeUnits: '1000',
          unitsPerProductUnit: '1000',
        },
      },
      keep: { callsCharge: 'createCharge.charge.id' },
    },
    {
      title: 'Make a charge that we price',
      text: `Mode \`AMOUNT\`: the product costs 1.00 in Odoo, and the quantity that is written *is* the amount.`,
      document: `mutation ($input: CreateChargeInput!) { createCharge(input: $input) {
        charge { id mode currency price { ... on StandardPrice { unitPrice } } } } }`,
      variables: {
        input: {
          service: 'nexacloud',
          metric: 'storage_gb_hours',
          mode: 'AMOUNT',
          productOdooId: '{{metered}}',
          currency: 'USD',
          price: { standard: { unitPrice: '0.0125' } },
        },
      },
      keep: { storageCharge: 'createCharge.charge.id' },
    },
    {
      title: 'Prices with tiers, packages and percentages',
      text: `A price is one of six models: \`standard\`, \`graduated\`, \`graduatedPercentage\`, \`package\`, \`percentage\` and
\`volume\`. What breaks a rule is named by its place: here the second tier does not rise.`,
      document: `mutation ($input: CreateChargeInput!) { createCharge(input: $input) { charge { id } } }`,
      variables: {
        input: {
          service: 'nexacloud',
          metric: 'storage_gb_hours',
          mode: 'AMOUNT',
          productOdooId: '{{metered}}',
          currency: 'USD',
          minimumAmount: '5.00',
          price: {
            graduated: {
              tiers: [
                { upTo: '100', unitPrice: '0.02', flatPrice: '1.00' },
                { upTo: '100', unitPrice: '0.015' },
                { unitPrice: '0.01' },
              ],
            },
          },
        },
      },
      refused: 'VALIDATION_FAILED',
    },
    {
      title: 'List charges',
      text: 'By service, by metric or by product.',
      document: `{ charges(service: "nexacloud", metric: "api_calls") {
        nodes { metric { code } product { name } mode freeUnits unitsPerProductUnit archivedAt } } }`,
    },
    {
      title: 'Let Odoo bill the service',
      text: 'The reason goes into the audit entry. From the start of the open period on, what the service counts is written to Odoo.',
      document:
        'mutation ($input: SetServiceStageInput!) { setServiceStage(input: $input) { service { code stage } } }',
      variables: { input: { service: 'nexacloud', stage: 'LIVE', reason: 'Checked against the old invoices.' } },
    },
  ],
};

export const accounts: Chapter = {
  title: 'Linking accounts',
  text: `A service sends usage under its own account ids. An account link says which partner of Odoo pays for an account, from
when to when. One account has one link at a time.`,
  examples: [
    {
      title: 'Link an account',
      text: 'The partner is read from Odoo if it is not mirrored yet.',
      document: `mutation ($input: CreateAccountLinkInput!) { createAccountLink(input: $input) {
        accountLink { id account partner { name } validFrom validTo contract { id } } } }`,
      variables: {
        input: {
          service: 'nexacloud',
          account: 'acct_42',
          partnerOdooId: '{{partner}}',
          validFrom: '2026-03-01T00:00:00Z',
        },
      },
      keep: { link: 'createAccountLink.accountLink.id' },
    },
    {
      title: 'Pin an account to one subscription',
      text: 'Needed only when the partner has several with the same product: it says to which one the usage belongs.',
      document: `mutation ($input: UpdateAccountLinkInput!) { updateAccountLink(input: $input) {
        accountLink { account validTo contract { subscriptions { name } } } } }`,
      variables: { input: { id: '{{link}}', subscriptionOdooId: 1 } },
    },
    {
      title: 'Link another account',
      text: 'By mistake, as it turns out.',
      document: `mutation ($input: CreateAccountLinkInput!) { createAccountLink(input: $input) {
        accountLink { id account partner { name } } } }`,
      variables: { input: { service: 'nexacloud', account: 'acct_24', partnerOdooId: '{{partner}}' } },
      keep: { mistake: 'createAccountLink.accountLink.id' },
    },
    {
      title: 'Take back a link that was a mistake',
      text: 'Possible while there is no usage; afterwards a link can only be ended.',
      document: `mutation ($input: ArchiveAccountLinkInput!) {
        archiveAccountLink(input: $input) { accountLink { account archivedAt } } }`,
      variables: { input: { id: '{{mistake}}' } },
    },
    {
      title: 'Find links',
      text: 'By account, by partner, by the instant at which they hold.',
      document: `query ($filter: AccountLinkFilter) { accountLinks(filter: $filter) {
        nodes { account partner { name } validFrom validTo archivedAt } } }`,
      variables: { filter: { account: 'acct_42', validAt: '2026-03-01T08:00:00Z' } },
    },
  ],
};

export const keys: Chapter = {
  title: 'Keys',
  text: `Give each service a key of its own: it then sees its own rows only, and need not name itself in inputs. A secret is
shown once, when it is made.`,
  examples: [
    {
      title: 'Make a key for the service',
      text: 'With no more scopes than it needs.',
      document: `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) {
        secret apiKey { id name prefix scopes service { code } } } }`,
      variables: {
        input: {
          service: 'nexacloud',
          name: 'nexacloud production',
          scopes: ['USAGE_WRITE', 'USAGE_READ', 'CATALOG_READ', 'BILLING_READ'],
        },
      },
      keep: { service: 'createApiKey.secret' },
    },
    {
      title: 'Make a key that expires',
      text: 'This one may only read usage.',
      document: `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) {
        secret apiKey { id name expiresAt scopes } } }`,
      variables: {
        input: {
          service: 'nexacloud',
          name: 'dashboard',
          scopes: ['USAGE_READ'],
          expiresAt: '2027-01-01T00:00:00Z',
        },
      },
      keep: { readerKey: 'createApiKey.apiKey.id' },
    },
    {
      title: 'Rotate a key',
      text: 'The same rights with a new secret; the old one works for some hours more, so that nothing stands still.',
      document: `mutation ($input: RotateApiKeyInput!) { rotateApiKey(input: $input) {
        secret apiKey { id name expiresAt } previous { id expiresAt } } }`,
      variables: { input: { id: '{{readerKey}}', overlapHours: 2 } },
      keep: { reader: 'rotateApiKey.secret' },
    },
    {
      title: 'Revoke a key',
      text: 'At once and for good.',
      document: 'mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { name revokedAt } } }',
      variables: { input: { id: '{{readerKey}}' } },
    },
    {
      title: 'List keys',
      text: '`lastUsedAt` shows which ones are in use.',
      document: `{ apiKeys(service: "nexacloud") { nodes { name prefix scopes createdAt expiresAt lastUsedAt revokedAt } } }`,
    },
  ],
};
