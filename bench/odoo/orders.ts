/** Worlds for the rows that talk to Odoo: many running orders, and the same with a closed period each that waits to be written. */
import pino from 'pino';
import { type Sandbox, type SandboxState, startSandbox } from '../../sandbox/sandbox';
import { addSubscription, type LineSetup } from '../../sandbox/world';
import { createApp } from '../../src/app';
import { loadConfig } from '../../src/config';
import type { Ctx } from '../../src/ctx';
import { ChargeMode } from '../../src/entities/charge';
import { Aggregation, CounterSemantics } from '../../src/entities/metric';
import { ServiceStage } from '../../src/entities/service';
import { jobCtx } from '../../src/jobs/context';
import { createPlayer } from '../../src/jobs/player';
import { createAccountLink } from '../../src/services/account-links';
import { createCharge } from '../../src/services/catalog-charges';
import { createMetric } from '../../src/services/catalog-metrics';
import { createService } from '../../src/services/catalog-services';
import { runSync } from '../../src/services/mirror';
import { recordUsageBatch } from '../../src/services/usage-records';
import type { Ground } from '../ground';

const FIRST_PERIOD = { startDate: '2026-01-01', nextInvoiceDate: '2026-02-01' };
const MIDDLE_OF_IT = '2026-01-15T12:00:00.000Z';
/** Grace is over, and Odoo's run, at noon, has not come. */
const AFTER_CLOSE = '2026-02-01T06:00:00.000Z';
const RUN_AT = '12:00';

/** An Odoo of this process with orders of one partner each; in the middle of their first period. */
export async function ordersInOdoo(count: number, lines: LineSetup[]): Promise<Sandbox> {
  const odoo = await startSandbox({ load: 'empty', now: new Date(MIDDLE_OF_IT), runAt: RUN_AT });
  for (let number = 1; number <= count; number += 1)
    await addSubscription(odoo.control, { ...FIRST_PERIOD, partner: { name: `Customer ${number}` }, lines });
  return odoo;
}

export interface ClosedOrders {
  /** A database to which nobody is connected; of each order one intent is pending, and no job is queued. */
  databaseUrl: string;
  odoo: SandboxState;
  /** The lines that are to be written, and the quantity that each of them is to get. */
  lineOdooIds: number[];
  quantity: number;
  /** The instant at which all this holds. */
  now: string;
}

const UNITS = 12_345;
const UNITS_OF_PRODUCT = 1_000;

/** Orders with one metered line, usage in the first period, and that period closed. */
export async function closedOrders(ground: Ground, count: number): Promise<ClosedOrders> {
  const sandbox = await ordersInOdoo(count, [{ code: 'CALLS', name: 'Calls', price: 2 }]);
  const databaseUrl = await ground.database();
  let now = new Date(MIDDLE_OF_IT);
  const config = {
    // Nothing is written yet: what stands to be written is what the row measures.
    ...loadConfig({ LOG_LEVEL: 'warn', ODOO_WRITES: 'off', ODOO_INVOICE_RUN_AT: RUN_AT }),
    databaseUrl,
    odoo: sandbox,
  };
  const app = await createApp(config, { clock: () => now, log: pino({ level: 'warn' }) });
  const player = createPlayer(app);
  try {
    await runSync(jobCtx(app, 'bench', now));
    await makeCatalogue(jobCtx(app, 'bench', now));
    await player.play(['advance-contracts']);
    await recordUsage(jobCtx(app, 'bench', now));
    now = new Date(AFTER_CLOSE);
    await sandbox.control.setNow(now);
    await player.play(['sync-odoo', 'close-due-periods']);
    const intents = await app.db.query<{ id: number; target: string }[]>(
      `select l.odoo_id as id, w.target::text from write_back w join subscription_line l on l.id = w.subscription_line_id
        where w.state = 'PENDING' order by 1`,
    );
    const quantity = UNITS / UNITS_OF_PRODUCT;
    const odd = intents.find(({ target }) => Number(target) !== Math.round(quantity * 100) / 100);
    if (intents.length !== count || odd !== undefined)
      throw new Error(`${intents.length} intents instead of ${count}; one of them wants ${odd?.target}.`);
    return {
      databaseUrl,
      odoo: await sandbox.control.saveState(),
      lineOdooIds: intents.map(({ id }) => id),
      quantity: Number(intents[0]?.target),
      now: AFTER_CLOSE,
    };
  } finally {
    await player.close();
    await app.close();
    await sandbox.close();
  }
}

async function makeCatalogue(ctx: Ctx): Promise<void> {
  const service = 'cloud';
  await createService(ctx, { code: service, name: 'Cloud', stage: ServiceStage.LIVE });
  const counting = { aggregation: Aggregation.SUM, semantics: CounterSemantics.DELTA };
  await createMetric(ctx, { service, code: 'calls', name: 'Calls', unit: 'call', ...counting });
  const [product] = await ctx.db.query<{ odoo_id: number }[]>('select odoo_id from product');
  await createCharge(ctx, {
    service,
    metric: 'calls',
    productOdooId: product?.odoo_id ?? 0,
    mode: ChargeMode.QUANTITY,
    freeUnits: '0',
    unitsPerProductUnit: String(UNITS_OF_PRODUCT),
  });
}

async function recordUsage(ctx: Ctx): Promise<void> {
  const customers = await ctx.db.query<{ id: number }[]>('select partner_odoo_id as id from subscription');
  const at = ctx.now.toISOString();
  const records = customers.map(({ id }) => ({
    service: 'cloud',
    account: `account-${id}`,
    metric: 'calls',
    windowStart: at,
    windowEnd: at,
    quantity: String(UNITS),
    idempotencyKey: `january-${id}`,
  }));
  for (const { id } of customers) {
    const link = { service: 'cloud', account: `account-${id}`, partnerOdooId: id, validFrom: '2026-01-01T00:00:00Z' };
    await createAccountLink(ctx, link);
  }
  const { rejectedCount, rejections } = await recordUsageBatch(ctx, records, { withResults: false });
  if (rejectedCount > 0) throw new Error(`${rejectedCount} records were rejected: ${JSON.stringify(rejections[0])}`);
}
