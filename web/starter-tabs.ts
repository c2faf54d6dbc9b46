/** The queries GraphiQL opens with, for a newcomer with the demo key: who am I, record usage, what is due, the mirror. */

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

const whatIsDue = `# What the open period would be billed at if it
# closed now, and what is still due. Run Contracts
# first, and copy an id into the variables below.
query WhatIsDue($contractId: ID!) {
  currentUsage(contractId: $contractId) {
    asOf
    period {
      start
      end
      state
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
      }
      units
      billableUnits
      amount
      currency
    }
    obstacles {
      reason
      message
    }
  }
  balances(contractId: $contractId) {
    product {
      name
    }
    mode
    truth
    billed
    waived
    due
    target
    remainder
  }
}

query Contracts {
  subscriptions(first: 10) {
    nodes {
      name
      nextInvoiceOn
      partner {
        name
      }
      contract {
        id
      }
    }
  }
}
`;

const mirror = `# As of when the mirror equals Odoo, and what
# the last run of each model did.
query Mirror {
  syncStatus {
    asOf
    odooReachable
    models {
      model
      asOf
      running
      lastRun {
        full
        startedAt
        finishedAt
        read
        inserted
        updated
        unchanged
        gone
        problems {
          code
          message
        }
      }
    }
  }
}
`;

/** The tabs in their order. The usage that is sent is counted in the last full hour before `now`. */
export function starterTabs(now: Date): StarterTab[] {
  const windowEnd = new Date(Math.floor(now.getTime() / HOUR_MS) * HOUR_MS);
  const windowStart = new Date(windowEnd.getTime() - HOUR_MS);
  const input = {
    idempotencyKey: `nexacloud/acct_42/api_calls/${windowStart.toISOString()}`,
    account: 'acct_42',
    metric: 'api_calls',
    windowStart: windowStart.toISOString(),
    windowEnd: windowEnd.toISOString(),
    quantity: '250',
  };
  return [
    { query: whoAmI },
    { query: recordUsage, variables: JSON.stringify({ input }, null, 2) },
    { query: whatIsDue, variables: JSON.stringify({ contractId: 'paste-an-id-here' }, null, 2) },
    { query: mirror },
  ];
}
