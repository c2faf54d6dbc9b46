/**
 * Everything rating, slots and previews need to know of one contract, read in a fixed number of statements: its order, the
 * lines that charges meter, the charges, who bills, and its periods. Reads only; callers hold the contract's lane.
 */
import type { EntityManager } from 'typeorm';
import { type ChargeFilterJson, parseBucketRule } from '../domain/charge-filter';
import { Decimal } from '../domain/decimal';
import type { RatedCharge } from '../domain/charge-rating';
import type { ExpectedStep } from '../domain/completeness';
import type { MetricRules } from '../domain/metric';
import type { PlanInterval } from '../domain/period';
import { parsePriceModel, type PriceModelJson } from '../domain/price-model';
import type { GapPolicy } from '../entities/charge';
import { METRIC_RULES } from './catalog-metric-rules';
import { boundHere, ratedHere } from './charge-binding';

/** The one order of a contract; renewals, which add more, come later. */
export interface OrderState {
  id: string;
  odooId: number;
  orderState: string;
  subscriptionState: string | null;
  startOn: string | null;
  nextInvoiceOn: string | null;
  gone: boolean;
  currency: string;
  places: number;
  plan: PlanInterval | null;
  planOdooId: number | null;
  /** In Odoo's time: the newest mirrored change of the order. */
  syncedAt: Date;
}

export interface LineState {
  id: string;
  odooId: number;
  productId: string;
  unitPrice: Decimal;
  discount: Decimal;
  deliveredQuantity: Decimal;
}

export interface ChargeState extends RatedCharge {
  id: string;
  serviceId: string;
  metricId: string;
  metricCode: string;
  metricUnit: string;
  rules: MetricRules;
  /** The windows that the metric expects of each series; null: none. */
  expects: ExpectedStep | null;
  onGap: GapPolicy;
  productId: string;
  productName: string;
  currency: string | null;
  /** What it is bound to: a plan, a contract, or nothing. */
  planOdooId: number | null;
  boundContractId: string | null;
  /** The first of its versions, itself if it is the first. */
  firstId: string;
  /** It rates periods that begin on these days, `[validFrom, validTo)`; null is open. */
  validFrom: string | null;
  validTo: string | null;
  /** When its first version was made. */
  createdAt: Date;
  /** Periods that begin then or later are not rated with it; null while in use. */
  archivedAt: Date | null;
}

export interface PeriodState {
  id: string;
  startOn: string;
  endOn: string | null;
  start: Date;
  end: Date | null;
  closed: boolean;
  dirty: boolean;
  unconfirmed: boolean;
}

export interface SpanState {
  serviceId: string;
  biller: 'LAGO' | 'ODOO' | 'NONE';
  startsAt: Date | null;
  endsAt: Date | null;
  invoicesAfterOdooId: number | null;
}

export interface ContractState {
  id: string;
  seenNextInvoiceOn: string | null;
  seenInvoiceOdooId: number | null;
  order: OrderState;
  /** Lines of the order, not gone, whose product some charge names, be it one that is bound elsewhere. */
  lines: LineState[];
  /**
   * Charges whose product is on a line of the order, was on one that is gone, or was ever written for; none that is bound to
   * another contract, and those of another plan only if they may have rated this one.
   */
  charges: ChargeState[];
  /** Of metrics, the first version of the charge that people have pinned. */
  pins: ReadonlyMap<string, string>;
  spans: SpanState[];
  /** Oldest first; the open one is the last. */
  periods: PeriodState[];
}

/** The state of one contract; null when it is unknown. */
export async function loadContractState(tx: EntityManager, contractId: string): Promise<ContractState | null> {
  return (await loadContractStates(tx, [contractId])).get(contractId) ?? null;
}

/** The states of contracts by id, in as many statements as for one; unknown ones are missing. */
export async function loadContractStates(
  tx: EntityManager,
  contractIds: readonly string[],
): Promise<Map<string, ContractState>> {
  const contracts = await tx.query<ContractRow[]>(CONTRACTS_SQL, [contractIds]);
  const lines = byContract(await tx.query<Owned<LineRow>[]>(LINES_SQL, [contractIds]));
  const charges = byContract(await tx.query<Owned<ChargeRow>[]>(CHARGES_SQL, [contractIds]));
  const spans = byContract(await tx.query<Owned<SpanState>[]>(SPANS_SQL, [contractIds]));
  const periods = byContract(await tx.query<Owned<PeriodState>[]>(PERIODS_SQL, [contractIds]));
  return new Map(
    contracts.map((contract) => [
      contract.id,
      {
        id: contract.id,
        seenNextInvoiceOn: contract.seen_next_invoice_on,
        seenInvoiceOdooId: contract.seen_invoice_odoo_id,
        order: toOrder(contract),
        lines: (lines.get(contract.id) ?? []).map(toLine),
        charges: (charges.get(contract.id) ?? []).map(toCharge),
        pins: new Map(Object.entries(contract.pins)),
        spans: spans.get(contract.id) ?? [],
        periods: periods.get(contract.id) ?? [],
      },
    ]),
  );
}

/** One charge, on whatever order its product is; null when it is unknown or, with `serviceId`, another service's. */
export async function loadCharge(tx: EntityManager, id: string, serviceId: string | null): Promise<ChargeState | null> {
  const [row] = await tx.query<ChargeRow[]>(
    `select ${CHARGE_COLUMNS}
       from charge c join metric m on m.id = c.metric_id join product p on p.id = c.product_id
       join charge first on first.id = coalesce(c.first_id, c.id)
      where c.id = $1 and ($2::uuid is null or c.service_id = $2)`,
    [id, serviceId],
  );
  return row === undefined ? null : toCharge(row);
}

/** A row with the contract it belongs to. */
type Owned<T> = T & { contractId: string };

function byContract<T>(rows: readonly Owned<T>[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const { contractId, ...row } of rows) {
    const group = groups.get(contractId);
    if (group === undefined) groups.set(contractId, [row as T]);
    else group.push(row as T);
  }
  return groups;
}

/** Whether Odoo bills what `serviceId` counts in a period: its span at the period's first instant says. */
export function isBilledByOdoo(state: ContractState, serviceId: string, period: { start: Date }): boolean {
  return state.spans.some(
    (span) =>
      span.serviceId === serviceId &&
      span.biller === 'ODOO' &&
      (span.startsAt === null || span.startsAt <= period.start) &&
      (span.endsAt === null || span.endsAt > period.start),
  );
}

interface ContractRow {
  id: string;
  seen_next_invoice_on: string | null;
  seen_invoice_odoo_id: number | null;
  order_id: string;
  order_odoo_id: number;
  order_state: string;
  subscription_state: string | null;
  start_on: string | null;
  next_invoice_on: string | null;
  gone: boolean;
  synced_at: Date;
  currency: string;
  places: number;
  period_count: number | null;
  period_unit: PlanInterval['unit'] | null;
  plan_odoo_id: number | null;
  /** By metric. */
  pins: Record<string, string>;
}

type Textual<T> = { [K in keyof T]: T[K] extends Decimal ? string : T[K] };
type LineRow = Textual<LineState>;
type ChargeRow = Omit<Textual<ChargeState>, 'price' | 'filters' | 'rules'> &
  MetricRules & { price: PriceModelJson | null; filters: readonly ChargeFilterJson[] };

function toLine(row: LineRow): LineState {
  return {
    ...row,
    unitPrice: new Decimal(row.unitPrice),
    discount: new Decimal(row.discount),
    deliveredQuantity: new Decimal(row.deliveredQuantity),
  };
}

function toCharge(row: ChargeRow): ChargeState {
  const { aggregation, semantics, signed, perEvent, recurring, uniqueBy, rounding, ...charge } = row;
  return {
    ...charge,
    rules: { aggregation, semantics, signed, perEvent, recurring, uniqueBy, rounding },
    price: row.price === null ? null : parsePriceModel(row.price),
    freeUnits: new Decimal(row.freeUnits),
    unitsPerProductUnit: new Decimal(row.unitsPerProductUnit),
    minimumAmount: new Decimal(row.minimumAmount),
    ...parseBucketRule(row.filters, row.groupBy),
  };
}

function toOrder(row: ContractRow): OrderState {
  return {
    id: row.order_id,
    odooId: row.order_odoo_id,
    orderState: row.order_state,
    subscriptionState: row.subscription_state,
    startOn: row.start_on,
    nextInvoiceOn: row.next_invoice_on,
    gone: row.gone,
    currency: row.currency,
    places: row.places,
    plan:
      row.period_count === null || row.period_unit === null ? null : { count: row.period_count, unit: row.period_unit },
    planOdooId: row.plan_odoo_id,
    syncedAt: row.synced_at,
  };
}

/** The newest order of each contract of $1. */
const ORDERS = `(
    select distinct on (contract_id) * from subscription
     where contract_id = any ($1) order by contract_id, contract_sequence desc)`;

const CONTRACTS_SQL = `
  select c.id, c.seen_next_invoice_on::text, c.seen_invoice_odoo_id, s.id as order_id, s.odoo_id as order_odoo_id, s.order_state,
         s.subscription_state, s.start_on::text, s.next_invoice_on::text, s.gone_at is not null as gone, s.synced_at,
         y.code as currency, y.decimal_places as places, p.period_count, p.period_unit,
         s.plan_odoo_id,
         (select coalesce(json_object_agg(pin.metric_id, coalesce(h.first_id, h.id)), '{}') from charge_pin pin
            join charge h on h.id = pin.charge_id
           where pin.contract_id = c.id and not exists (select 1 from charge_pin later where later.contract_id = c.id
             and later.metric_id = pin.metric_id and later.id > pin.id)) as pins
    from contract c
    join ${ORDERS} s on s.contract_id = c.id
    join currency y on y.odoo_id = s.currency_odoo_id
    left join plan p on p.odoo_id = s.plan_odoo_id`;

const LINES_SQL = `
  select s.contract_id as "contractId", l.id, l.odoo_id as "odooId", p.id as "productId", l.unit_price as "unitPrice",
         l.discount, l.delivered_quantity as "deliveredQuantity"
    from ${ORDERS} s
    join subscription_line l on l.subscription_odoo_id = s.odoo_id and l.gone_at is null
    join product p on p.odoo_id = l.product_odoo_id
   where exists (select 1 from charge c where c.product_id = p.id)
   order by l.odoo_id`;

/** Of a charge `c` with its metric `m`, its product `p` and its first version `first`. */
const CHARGE_COLUMNS = `c.id, c.service_id as "serviceId", c.metric_id as "metricId", m.code as "metricCode",
         m.unit as "metricUnit", ${METRIC_RULES}, m.expects, c.on_gap as "onGap", c.product_id as "productId", p.name as "productName", c.mode, c.price,
         c.currency, c.free_units as "freeUnits", c.units_per_product_unit as "unitsPerProductUnit",
         c.minimum_amount as "minimumAmount", c.filters, c.group_by as "groupBy", c.plan_odoo_id as "planOdooId",
         c.contract_id as "boundContractId", first.id as "firstId", c.valid_from::text as "validFrom", c.valid_to::text as "validTo",
         first.created_at as "createdAt", c.archived_at as "archivedAt"`;

const CHARGES_SQL = `
  select s.contract_id as "contractId", ${CHARGE_COLUMNS}
    from (select contract_id, product_id, max(plan_odoo_id) as plan_odoo_id, bool_or(written) as written
            from (select s.contract_id, p.id as product_id, s.plan_odoo_id, false as written
                    from ${ORDERS} s
                    join subscription_line l on l.subscription_odoo_id = s.odoo_id
                    join product p on p.odoo_id = l.product_odoo_id
                  union all
                  select contract_id, product_id, null, true from write_back where contract_id = any ($1)) known
           group by contract_id, product_id) s
    join charge c on c.product_id = s.product_id
     and (${boundHere('c')} or c.contract_id is null and (s.written or ${ratedHere('c')}))
    join charge first on first.id = coalesce(c.first_id, c.id)
    join metric m on m.id = c.metric_id
    join product p on p.id = c.product_id
   order by c.product_id, c.id`;

const SPANS_SQL = `
  select contract_id as "contractId", service_id as "serviceId", biller, starts_at as "startsAt", ends_at as "endsAt",
         invoices_after_odoo_id as "invoicesAfterOdooId"
    from biller_span where contract_id = any ($1) order by service_id, starts_at nulls first`;

const PERIODS_SQL = `
  select contract_id as "contractId", id, start_on::text as "startOn", end_on::text as "endOn", start_at as "start",
         end_at as "end", state = 'CLOSED' as closed, dirty, derived and confirmed_at is null as unconfirmed
    from billing_period where contract_id = any ($1) order by start_at`;
