/** The chapter on alerts: what the open period has reached. */
import type { Chapter } from '../example';

export const alerts: Chapter = {
  title: 'Alerts',
  text: `Told when the usage of an open period reaches a threshold: each once a period, within a minute or two, and at the latest
at the close.`,
  examples: [
    {
      title: 'Make an alert',
      text: 'On `UNITS` or on `AMOUNT`. What the open period has come to already counts.',
      document: `mutation ($input: CreateUsageAlertInput!) { createUsageAlert(input: $input) {
        usageAlert { id name kind thresholds metric { code } } } }`,
      variables: {
        input: {
          service: 'nexacloud',
          account: 'acct_42',
          metric: 'api_calls',
          kind: 'UNITS',
          thresholds: ['1000', '2000', '5000'],
          name: 'Calls',
        },
      },
      keep: { alert: 'createUsageAlert.usageAlert.id' },
    },
    {
      title: 'Thresholds reached',
      text: 'One event for each, also when usage has jumped over several.',
      caller: 'service',
      at: '2026-03-10T12:00:00Z',
      document: `{ usageAlertEvents(filter: { account: "acct_42" }, orderBy: CROSSED_AT_ASC) { nodes {
        threshold value crossedAt period { startOn endOn } alert { name kind metric { code } } } } }`,
    },
    {
      title: 'Change an alert',
      text: 'What was reached in the open period is not reached again in it.',
      document: `mutation ($input: UpdateUsageAlertInput!) { updateUsageAlert(input: $input) { usageAlert { name thresholds } } }`,
      variables: { input: { id: '{{alert}}', thresholds: ['2000', '10000'] } },
    },
    {
      title: 'Take it out of use',
      text: 'Its events stay.',
      document: `mutation ($input: ArchiveUsageAlertInput!) { archiveUsageAlert(input: $input) { usageAlert { name archivedAt } } }`,
      variables: { input: { id: '{{alert}}' } },
    },
    {
      title: 'List alerts',
      text: 'Those in use, with `archived: false`.',
      caller: 'service',
      document: `{ usageAlerts(filter: { account: "acct_42" }) { nodes { name kind thresholds createdAt archivedAt } } }`,
    },
  ],
};
