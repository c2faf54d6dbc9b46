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
import { CONTRACTS_SQL, LINES_SQL, CHARGE_COLUMNS, CHARGES_SQL, SPANS_SQL, PERIODS_SQL } from './contract-state-sql';

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
  /** Of products, the line that people have pinned, be it gone by now. */
  linePins: ReadonlyMap<string, string>;
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
  const charges = await tx.query<(ChargeRow & { contractIds: string[] })[]>(CHARGES_SQL, [contractIds]);
  const chargesOf = byContract(
    charges.flatMap(({ contractIds: owners, ...row }) => {
      const charge = toCharge(row);
      return owners.map((contractId) => ({ contractId, charge }));
    }),
  );
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
        charges: (chargesOf.get(contract.id) ?? []).map(({ charge }) => charge),
        pins: new Map(Object.entries(contract.pins)),
        linePins: new Map(Object.entries(contract.line_pins)),
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
  /** By product. */
  line_pins: Record<string, string>;
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
