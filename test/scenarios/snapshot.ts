/**
 * The end of a story as plain JSON: all that money hangs on, and nothing that may differ between two runs of one scenario
 * (ids, the machine's time, how many attempts something took). Read from the database and from the sandbox itself.
 */
import type { Row } from '../../sandbox/schema';
import type { Story } from '../support/story';

export interface Snapshot {
  /** The order's next invoice date in Odoo. */
  nextInvoiceOn: string;
  /** What each line holds in Odoo, by product. */
  slots: Record<string, number>;
  /** Every invoice line in Odoo, the oldest first. */
  invoiced: { product: string; on: string; quantity: number; state: string }[];
  /** Periods with all revisions of their lines, their adjustments, and the blocks that stand. */
  periods: Json[];
  billers: Json[];
  balances: Json[];
  /** The newest intent of each (line, period), with the attempts left out. */
  writeBacks: Json[];
  settlements: Json[];
  ledger: Json[];
  /** Entries by action. */
  audit: Record<string, number>;
  identities: { holds: boolean; records: Json[]; money: Json[] };
}

type Json = Record<string, unknown>;

export async function snapshotOf(story: Story): Promise<Snapshot> {
  const rows = (sql: string): Promise<Json[]> => story.test.app.db.query<Json[]>(sql);
  const audit = (await rows(AUDIT)) as { action: string; entries: number }[];
  return {
    nextInvoiceOn: await story.nextInvoiceOn(),
    ...(await billedBy(story)),
    periods: await rows(PERIODS),
    billers: await rows(BILLERS),
    balances: await balances(story),
    writeBacks: await rows(WRITE_BACKS),
    settlements: await rows(SETTLEMENTS),
    ledger: await rows(LEDGER),
    audit: Object.fromEntries(audit.map(({ action, entries }) => [action, entries])),
    identities: await identities(story),
  };
}

async function billedBy(story: Story): Promise<Pick<Snapshot, 'slots' | 'invoiced'>> {
  const { control } = story.test.sandbox;
  const products = new Map((await control.records('product.product')).map((row) => [row.id, String(row.name)]));
  const nameOf = (line: Row): string => products.get(Number(line.product_id)) ?? 'no product';
  const lines = await control.records('sale.order.line', { order_id: story.order.orderId });
  const moves = new Map((await control.records('account.move')).map((move) => [move.id, move]));
  const billed = (await control.records('account.move.line')).filter((line) => line.display_type === 'product');
  return {
    slots: Object.fromEntries(lines.map((line) => [nameOf(line), Number(line.qty_delivered ?? 0)])),
    invoiced: billed.map((line) => {
      const move = moves.get(Number(line.move_id));
      return {
        product: nameOf(line),
        on: String(move?.invoice_date),
        quantity: Number(line.quantity),
        state: `${String(move?.move_type)} ${String(move?.state)}`,
      };
    }),
  };
}

async function balances(story: Story): Promise<Json[]> {
  const data = await story.run(
    'query ($i: ID!) { balances(contractId: $i) { product { name } mode truth billed waived due target remainder } }',
    await story.contractId(),
  );
  return sorted(data.balances as Json[]);
}

async function identities(story: Story): Promise<Snapshot['identities']> {
  const data = await story.run(`{ identities { holds
    records { accepted effective superseded voided inPeriod unassigned beforeBilling afterEnd difference }
    money { truth billed waived balance difference } } }`);
  const { holds, records, money } = data.identities as Snapshot['identities'];
  return { holds, records: sorted(records), money: sorted(money) };
}

function sorted(rows: readonly Json[]): Json[] {
  return [...rows].sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
}

const PERIODS = `
  select p.start_on::text as "startOn", p.end_on::text as "endOn", p.state, p.dirty, p.derived,
         p.confirmed_at is not null as confirmed,
         array(select b.reason || coalesce(' ' || pr.name, '')
                 from billing_block b left join product pr on pr.id = b.product_id
                where b.period_id = p.id and b.lifted_at is null order by 1) as blocks,
         (select coalesce(json_agg(l order by l.service, l.metric, l.product, l.bucket, l.revision), '[]') from (
            select s.code as service, m.code as metric, pr.name as product, bl.bucket, bl.revision, bl.units::text,
                   bl.billable_units::text as "billableUnits", bl.value::text, bl.amount::text, bl.currency,
                   bl.record_count as records,
                   array(select a.value::text || ' of ' || origin.start_on || ' in ' || target.start_on
                           from adjustment a join billing_period origin on origin.id = a.origin_period_id
                           join billing_period target on target.id = a.target_period_id
                          where a.billable_line_id = bl.id order by 1) as adjustments
              from billable_line bl join charge c on c.id = bl.charge_id join metric m on m.id = c.metric_id
              join service s on s.id = c.service_id join product pr on pr.id = c.product_id
             where bl.period_id = p.id) l) as lines
    from billing_period p order by p.contract_id, p.start_on`;

const BILLERS = `
  select s.code as service, b.biller, b.reason, b.starts_at as "startsAt", b.ends_at as "endsAt",
         b.invoices_after_odoo_id as "invoicesAfter"
    from biller_span b join service s on s.id = b.service_id
   order by b.contract_id, s.code, b.starts_at nulls first`;

const WRITE_BACKS = `
  select product, "startOn", kind, target, state, "readBack", "blockReason" from (
    select distinct on (w.subscription_line_id, w.period_id) pr.name as product, p.start_on::text as "startOn", w.kind,
           w.target::text, w.state, w.read_back::text as "readBack", w.block_reason as "blockReason"
      from write_back w join billing_period p on p.id = w.period_id join product pr on pr.id = w.product_id
     order by w.subscription_line_id, w.period_id, w.sequence desc) newest
   order by product, "startOn"`;

const SETTLEMENTS = `
  select pr.name as product, p.start_on::text as "startOn", s.evidence, s.billed::text
    from slot_settlement s join billing_period p on p.id = s.period_id join product pr on pr.id = s.product_id
   order by pr.name, p.start_on, s.invoice_line_id`;

const LEDGER = `
  select r.idempotency_key as key, r.kind, r.quantity::text, r.late, corrected.idempotency_key as corrects,
         r.unassigned_reason as "unassignedReason",
         (select count(*)::integer from contract c where c.id <= r.contract_id) as contract,
         array(select (select count(*)::integer from contract c where c.id <= a.contract_id)
                 from usage_assignment a where a.record_id = r.id order by a.id) as assigned
    from usage_record r left join usage_record corrected on corrected.id = r.corrects
   order by r.service_id, r.idempotency_key`;

const AUDIT = 'select action, count(*)::integer as entries from audit_entry group by action order by action';
