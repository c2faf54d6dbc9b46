/**
 * Which charge rates each metric of a contract in a period: by the days on which versions hold, by what charges are bound to,
 * and by what people have pinned.
 */
import { isBoundHere } from './charge-binding';
import type { ChargeState, ContractState } from './contract-state';

export interface FittingCharges {
  /** One charge a metric. */
  fitting: ChargeState[];
  /** Metrics for which several fit: none rates until a person pins one, or leaves one of their products on the order. */
  ambiguous: Set<string>;
}

/** The beginning of a period, as an instant and as the day in the billing time zone. */
export interface PeriodStart {
  start: Date;
  startOn: string;
}

/**
 * The charge that rated the metric in the period before, if one did: what is rated stays. Else, of the charges that hold in the
 * period, those bound most closely: to the contract, to the plan of its order, to nothing; of these the one whose product is on
 * the order now, else the one whose product was; of several the pinned one. An archived charge rates the periods that began
 * before, and its successor the later ones.
 */
export function fittingCharges(
  state: Pick<ContractState, 'id' | 'order' | 'lines' | 'charges' | 'pins'>,
  period: PeriodStart,
  ratedBefore: ReadonlySet<string> = new Set(),
): FittingCharges {
  const onOrder = new Set(state.lines.map((line) => line.productId));
  const fitting: ChargeState[] = [];
  const ambiguous = new Set<string>();
  const isRated = (charge: ChargeState): boolean => ratedBefore.has(charge.id);
  const holding = state.charges.filter((charge) => isBoundHere(charge, state) && holdsIn(charge, period));
  const inUse = [...state.charges.filter(isRated), ...holding];
  for (const metricId of new Set(inUse.map((charge) => charge.metricId))) {
    const rated = state.charges.filter((charge) => charge.metricId === metricId && isRated(charge));
    const closest = mostClosely(holding.filter((charge) => charge.metricId === metricId));
    const present = closest.filter((charge) => onOrder.has(charge.productId));
    const fresh = pinnedOf(present.length > 0 ? present : closest, state.pins.get(metricId));
    const [only, ...others] = settled(rated.length > 0 ? rated : fresh);
    if (only !== undefined && others.length === 0) fitting.push(only);
    else ambiguous.add(metricId);
  }
  return { fitting, ambiguous };
}

function holdsIn({ archivedAt, validFrom, validTo }: ChargeState, { start, startOn }: PeriodStart): boolean {
  if (archivedAt !== null && start >= archivedAt) return false;
  return (validFrom === null || validFrom <= startOn) && (validTo === null || startOn < validTo);
}

function mostClosely(charges: readonly ChargeState[]): readonly ChargeState[] {
  const toContract = charges.filter((charge) => charge.boundContractId !== null);
  const toPlan = charges.filter((charge) => charge.planOdooId !== null);
  return [toContract, toPlan].find((some) => some.length > 0) ?? charges;
}

/** A pin holds for all versions of its charge; one whose charge does not fit changes nothing. */
function pinnedOf(charges: readonly ChargeState[], pinnedFirstId: string | undefined): readonly ChargeState[] {
  const pinned = charges.filter((charge) => charge.firstId === pinnedFirstId);
  return pinned.length > 0 ? pinned : charges;
}

/**
 * Of several charges, some of them archived: the one archived first rates to the end of the period, and what was made after it
 * begins with the next one. What was in use before it was made stays: the archived one was made beside it by mistake.
 */
function settled(charges: readonly ChargeState[]): readonly ChargeState[] {
  if (charges.length < 2) return charges;
  const [leaving] = charges
    .filter(({ archivedAt }) => archivedAt !== null)
    .sort((one, other) => (one.archivedAt?.getTime() ?? 0) - (other.archivedAt?.getTime() ?? 0));
  if (leaving === undefined) return charges;
  const older = charges.filter(({ archivedAt, createdAt }) => archivedAt === null && createdAt < leaving.createdAt);
  return older.length > 0 ? older : [leaving];
}
