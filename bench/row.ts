/** A row of the table: two sides measured by turns in one run, so that what slows the machine slows both, and their ratio. */
import type { Ground } from './ground';

/** The figure of one side in one round. */
export interface Measure {
  value: number;
  /** `records/s`, `requests/s`, `ms`, `s`, `MB`: the same on both sides. */
  unit: string;
  /** Further figures of the round, such as `{ 'node µs/record': 7.4 }`; printed as medians. */
  also?: Readonly<Record<string, number>>;
}

/** Which ratios, ours to the baseline, are good, or which figures when there is none; `null`: the row only tells. */
export type Aim = { atLeast: number } | { atMost: number } | null;

export interface Row {
  /** For `--only`, in kebab case. */
  name: string;
  what: string;
  /** Null: the figure itself is judged. */
  baseline: string | null;
  aim: Aim;
  /** Rounds besides the first one, which warms up and does not count; 5 when left out. */
  rounds?: number;
  /** What is missing here that the row needs, as a sentence; null: nothing. */
  lacks?(): string | null;
  open(ground: Ground): Promise<Sides>;
}

export interface Sides {
  /** Missing exactly when the row names no baseline. */
  baseline?(): Promise<Measure>;
  ours(): Promise<Measure>;
  close(): Promise<void>;
}

/** What came of a row, each list by round. */
export interface Result {
  row: Row;
  baseline: Measure[];
  ours: Measure[];
  /** Ours to the baseline of the same round, ascending; ours itself without a baseline. */
  ratios: number[];
}

const ROUNDS = 5;

/** Opens the row and plays its rounds; who goes first changes from round to round. */
export async function measure(row: Row, ground: Ground, onRound: (text: string) => void): Promise<Result> {
  const sides = await row.open(ground);
  const result: Result = { row, baseline: [], ours: [], ratios: [] };
  try {
    const rounds = row.rounds ?? ROUNDS;
    for (let round = 0; round <= rounds; round += 1) {
      const { baseline, ours } = await play(sides, round);
      const ratio = ours.value / (baseline?.value ?? 1);
      const said =
        baseline === undefined ? show(ours) : `${show(ours)} to ${show(baseline)}, ratio ${ratio.toFixed(2)}`;
      onRound(round === 0 ? `warm-up: ${said}` : `round ${round} of ${rounds}: ${said}`);
      if (round === 0) continue;
      if (baseline !== undefined) result.baseline.push(baseline);
      result.ours.push(ours);
      result.ratios.push(ratio);
    }
  } finally {
    await sides.close();
  }
  result.ratios.sort((a, b) => a - b);
  return result;
}

async function play(sides: Sides, round: number): Promise<{ baseline: Measure | undefined; ours: Measure }> {
  if (round % 2 === 0) return { baseline: await sides.baseline?.(), ours: await sides.ours() };
  const ours = await sides.ours();
  return { baseline: await sides.baseline?.(), ours };
}

function show({ value, unit, also = {} }: Measure): string {
  const further = Object.entries(also).map(([name, figure]) => `, ${round(figure)} ${name}`);
  return `${round(value)} ${unit}${further.join('')}`;
}

/** Three significant digits, or all of a whole number. */
export function round(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
