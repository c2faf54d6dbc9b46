/**
 * The queries GraphiQL opens with, for a newcomer with the demo key: who am I, record usage, what is due, why this amount.
 * Each runs as it is, in any order.
 */

const HOUR_MS = 3_600_000;

/** One tab of GraphiQL; `variables` is JSON text, as GraphiQL shows it. */
export interface StarterTab {
  query: string;
  variables?: string;
}

const whoAmI = `# Who the key is, and what it may do.
# Paste a key above, then press Ctrl-Enter.
query WhoAmI {
  viewer {
    apiKey {
      name
      prefix
      expiresAt
    }
    service {
      code
      name
      stage
    }
    scopes
  }
}
`;

const recordUsage = `# Records one counter. Run it twice: the second
# answer is DUPLICATE, and nothing counts twice.
# The idempotency key names what is counted (service,
# account, metric, window), never the attempt.
mutation RecordUsage($input: RecordUsageInput!) {
  recordUsage(input: $input) {
    status
    record {
      id
      idempotencyKey
      quantity
      windowStart
      windowEnd
      receivedAt
      contentHash
      unassignedReason
    }
  }
}
`;

const whatIsDue = `# What is due for an account: truth is what closed
# periods are worth, billed what Odoo has invoiced,
# target what Odoo is told next. The open period is
# in it once it closes: the next tab shows its worth.
query WhatIsDue($account: String!) {
  billingPeriods(filter: { account: $account, states: [OPEN] }) {
    nodes {
      startOn
      endOn
      state
      blocks {
        reason
        message
      }
      contract {
        subscriptions {
          name
          nextInvoiceOn
          partner {
            name
          }
        }
        balances {
          product {
            name
          }
          mode
          truth
          billed
          waived
          due
          target
        }
      }
    }
  }
}
`;

const whyThisAmount = `# Why this amount: what the open period would be
# billed at if it closed now, step by step. Record
# usage in the second tab, and run this again.
query WhyThisAmount($account: String!) {
  currentUsage(account: $account) {
    asOf
    amount
    currency
    period {
      startOn
      endOn
    }
    lines {
      charge {
        metric {
          code
          unit
        }
        product {
          name
        }
        freeUnits
        unitsPerProductUnit
      }
      units
      billableUnits
      value
      amount
      explanation {
        fromUnits
        toUnits
        units
        unitPrice
        flatPrice
        amount
      }
    }
    obstacles {
      reason
      message
    }
  }
}
`;

const ACCOUNT = 'acct_42';

/** The tabs in their order. The usage that is sent is counted in the last full hour before `now`. */
export function starterTabs(now: Date): StarterTab[] {
  const windowEnd = new Date(Math.floor(now.getTime() / HOUR_MS) * HOUR_MS);
  const windowStart = new Date(windowEnd.getTime() - HOUR_MS);
  const input = {
    idempotencyKey: `nexacloud/${ACCOUNT}/api_calls/${windowStart.toISOString()}`,
    account: ACCOUNT,
    metric: 'api_calls',
    windowStart: windowStart.toISOString(),
    windowEnd: windowEnd.toISOString(),
    quantity: '2500',
  };
  return [
    { query: whoAmI },
    { query: recordUsage, variables: JSON.stringify({ input }, null, 2) },
    { query: whatIsDue, variables: JSON.stringify({ account: ACCOUNT }, null, 2) },
    { query: whyThisAmount, variables: JSON.stringify({ account: ACCOUNT }, null, 2) },
  ];
}
