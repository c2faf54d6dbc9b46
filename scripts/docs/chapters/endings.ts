/** The chapter on taking things out of use. */
import type { Chapter } from '../example';
import { contractEnds } from './balances';

export const endings: Chapter = {
  title: 'Taking out of use',
  text: 'Archived things stay readable and keep their codes. What is due stays due, and is still written to Odoo.',
  examples: [
    {
      title: 'End a link',
      text: 'From then on the account can be linked to another partner.',
      document:
        'mutation ($input: EndAccountLinkInput!) { endAccountLink(input: $input) { accountLink { account validTo } } }',
      variables: { input: { id: '{{link}}', at: '2026-04-20T10:00:00Z' } },
    },
    {
      title: 'Archive a charge',
      text: 'Without `from` the open period is still rated with it, to its end.',
      document:
        'mutation ($input: ArchiveChargeInput!) { archiveCharge(input: $input) { charge { metric { code } archivedAt } } }',
      variables: { input: { id: '{{callsCharge}}' } },
    },
    {
      title: 'Archive the other charge',
      text: 'As long as there is a charge in use, its metric is.',
      document:
        'mutation ($input: ArchiveChargeInput!) { archiveCharge(input: $input) { charge { metric { code } archivedAt } } }',
      variables: { input: { id: '{{storageCharge}}' } },
    },
    ...contractEnds,
    {
      title: 'Archive a metric',
      text: 'Usage that counts before now is still taken.',
      document:
        'mutation ($input: ArchiveMetricInput!) { archiveMetric(input: $input) { metric { code archivedAt } } }',
      variables: { input: { service: 'nexacloud', metric: 'storage_gb_hours' } },
    },
    {
      title: 'Archive a service',
      text: 'Last of all.',
      document:
        'mutation ($input: ArchiveServiceInput!) { archiveService(input: $input) { service { code stage archivedAt } } }',
      variables: { input: { service: 'nexacloud' } },
    },
  ],
};
