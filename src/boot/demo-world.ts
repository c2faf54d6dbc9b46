/** The demo on a bare machine: one service with two metrics, their charges on products of the sandbox Odoo, links and a key. */
import { randomUUID } from 'node:crypto';
import type { App, Ctx } from '../ctx';
import { ALL_SCOPES } from '../domain/scope';
import { ChargeMode } from '../entities/charge';
import { Aggregation, CounterSemantics } from '../entities/metric';
import { ServiceStage } from '../entities/service';
import { createAccountLink } from '../services/account-links';
import { createApiKey, isKnownSecret } from '../services/api-keys';
import { createCharge } from '../services/catalog-charges';
import { createMetric } from '../services/catalog-metrics';
import { createService } from '../services/catalog-services';
import { runSync } from '../services/mirror';
import type { DemoExample } from './announce';

/** Ids of the sandbox's demo data. */
const PRODUCT = { apiCalls: 3, meteredAmount: 7 } as const;
const PARTNER = { foxgloveMaps: 14, graniteHosting: 15 } as const;

export const DEMO = {
  service: 'nexacloud',
  /** Foxglove Maps: API calls, priced by Odoo per thousand. */
  account: 'acct_42',
  metric: 'api_calls',
  /** Granite Hosting: storage, priced here. */
  amountAccount: 'acct_77',
  amountMetric: 'storage_gb_hours',
} as const;

const DAY_MS = 86_400_000;
/** Usage of the whole first period of the demo's orders may be sent. */
const LINKED_SINCE_MS = 62 * DAY_MS;

/** Makes what is missing of the demo, and a key with `secret`; running it again adds nothing. */
export async function seedDemo(app: App, secret: string): Promise<DemoExample> {
  const ctx = demoCtx(app);
  await runSync(ctx, { wait: true });
  if (!(await exists(ctx, 'service where code = $1', DEMO.service))) {
    await createService(ctx, { code: DEMO.service, name: 'Nexa Cloud', stage: ServiceStage.LIVE });
  }
  await seedCatalogue(ctx);
  await seedLinks(ctx);
  if (!(await isKnownSecret(ctx, secret))) {
    await createApiKey(ctx, { service: DEMO.service, name: 'demo', scopes: [...ALL_SCOPES] }, secret);
  }
  return { key: secret, account: DEMO.account, metric: DEMO.metric };
}

async function seedCatalogue(ctx: Ctx): Promise<void> {
  const { service } = DEMO;
  const counted = { aggregation: Aggregation.SUM, semantics: CounterSemantics.DELTA, service };
  if (!(await exists(ctx, 'metric where code = $1', DEMO.metric))) {
    await createMetric(ctx, { ...counted, code: DEMO.metric, name: 'API calls', unit: 'call' });
  }
  if (!(await exists(ctx, 'metric where code = $1', DEMO.amountMetric))) {
    await createMetric(ctx, { ...counted, code: DEMO.amountMetric, name: 'Storage', unit: 'GB hour' });
  }
  if (!(await exists(ctx, 'charge c join metric m on m.id = c.metric_id where m.code = $1', DEMO.metric))) {
    await createCharge(ctx, {
      service,
      metric: DEMO.metric,
      productOdooId: PRODUCT.apiCalls,
      mode: ChargeMode.QUANTITY,
      freeUnits: '1000',
      unitsPerProductUnit: '1000',
    });
  }
  if (!(await exists(ctx, 'charge c join metric m on m.id = c.metric_id where m.code = $1', DEMO.amountMetric))) {
    await createCharge(ctx, {
      service,
      metric: DEMO.amountMetric,
      productOdooId: PRODUCT.meteredAmount,
      mode: ChargeMode.AMOUNT,
      price: { standard: { unitPrice: '0.0125' } },
      currency: 'USD',
      freeUnits: '0',
      unitsPerProductUnit: '1',
    });
  }
}

async function seedLinks(ctx: Ctx): Promise<void> {
  const validFrom = new Date(ctx.now.getTime() - LINKED_SINCE_MS).toISOString();
  for (const [account, partnerOdooId] of [
    [DEMO.account, PARTNER.foxgloveMaps],
    [DEMO.amountAccount, PARTNER.graniteHosting],
  ] as const) {
    if (await exists(ctx, 'account_link where account = $1', account)) continue;
    await createAccountLink(ctx, { service: DEMO.service, account, partnerOdooId, validFrom });
  }
}

async function exists(ctx: Ctx, from: string, code: string): Promise<boolean> {
  return (await ctx.db.query<unknown[]>(`select 1 from ${from}`, [code])).length > 0;
}

function demoCtx(app: App): Ctx {
  return {
    ...app,
    now: app.clock(),
    requestId: randomUUID(),
    actor: { name: 'job:demo', serviceId: null, scopes: new Set(ALL_SCOPES), apiKeyId: null },
  };
}
