/**
 * Whether a series of usage tells of all the time it is expected to: what its windows cover, where they leave holes, where
 * they overlap, and since when nothing came. Spans are half-open.
 */
import { dayOf, dayStart } from './period';

/** How finely a metric's usage is expected: a UTC hour, or a day of the billing zone. */
export type ExpectedStep = 'HOUR' | 'DAY';

export interface Span {
  start: Date;
  end: Date;
}

export interface Completeness {
  /** What is expected and told of; with `waived` and `gaps` it makes up what is expected, and none overlaps another. */
  covered: Span[];
  /** What is missing and was let go by a person. */
  waived: Span[];
  /** What is missing. */
  gaps: Span[];
  /** What two windows or more tell of, as far as it is expected. */
  overlaps: Span[];
}

const HOUR_MS = 3_600_000;

/** The last boundary of a step at or before `instant`. */
export function stepStart(instant: Date, step: ExpectedStep, zone: string): Date {
  if (step === 'DAY') return dayStart(dayOf(instant, zone), zone);
  return new Date(Math.floor(instant.getTime() / HOUR_MS) * HOUR_MS);
}

/**
 * Of the spans in which usage can come, those in which it is expected: a step is where its last instant lies in one, as a
 * record counts at the last instant of its window. So a first step may be a part of one, and a last one never is.
 */
export function expectedSpans(possible: readonly Span[], step: ExpectedStep, zone: string): Span[] {
  return filled(unionOf(possible).map(({ start, end }) => ({ start, end: stepStart(end, step, zone) })));
}

/** Holds the windows of one series against the spans `expected` of it. Windows may be merged; instants cover nothing. */
export function completenessOf(
  expected: readonly Span[],
  series: { windows: readonly Span[]; overlaps: readonly Span[]; waived: readonly Span[] },
): Completeness {
  const missing = without(expected, series.windows);
  return {
    covered: intersectionOf(expected, series.windows),
    waived: intersectionOf(missing, series.waived),
    gaps: without(missing, series.waived),
    overlaps: intersectionOf(expected, series.overlaps),
  };
}

/** What any of `spans` covers, in the order of time; spans that touch are one. */
export function unionOf(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const { start, end } of inOrder(filled(spans))) {
    const last = merged.at(-1);
    if (last === undefined || start > last.end) merged.push({ start, end });
    else if (end > last.end) last.end = end;
  }
  return merged;
}

/** What two or more of `windows` cover. */
export function overlapsOf(windows: readonly Span[]): Span[] {
  const doubled: Span[] = [];
  let reach: Date | null = null;
  for (const { start, end } of inOrder(filled(windows))) {
    if (reach !== null && start < reach) doubled.push({ start, end: end < reach ? end : reach });
    if (reach === null || end > reach) reach = end;
  }
  return unionOf(doubled);
}

/** What both cover. */
export function intersectionOf(one: readonly Span[], other: readonly Span[]): Span[] {
  const [ours, theirs] = [unionOf(one), unionOf(other)];
  const shared: Span[] = [];
  for (let i = 0, j = 0; i < ours.length && j < theirs.length;) {
    const [our, their] = [ours[i] as Span, theirs[j] as Span];
    shared.push({
      start: our.start > their.start ? our.start : their.start,
      end: our.end < their.end ? our.end : their.end,
    });
    if (our.end <= their.end) i += 1;
    else j += 1;
  }
  return filled(shared);
}

/** What `spans` cover and `removed` do not. */
export function without(spans: readonly Span[], removed: readonly Span[]): Span[] {
  return intersectionOf(spans, complementOf(unionOf(removed)));
}

/** As far as a Date reaches. */
const [BEGINNING, END] = [new Date(-8.64e15), new Date(8.64e15)];

/** All of time, as far as a Date reaches. */
export const ALWAYS: Span = { start: BEGINNING, end: END };

function complementOf(ordered: readonly Span[]): Span[] {
  const bounds = [BEGINNING, ...ordered.flatMap(({ start, end }) => [start, end]), END];
  return bounds.flatMap((start, index) => (index % 2 === 0 ? [{ start, end: bounds[index + 1] ?? END }] : []));
}

function filled(spans: readonly Span[]): Span[] {
  return spans.filter(({ start, end }) => start < end);
}

function inOrder(spans: readonly Span[]): Span[] {
  return spans.toSorted((one, other) => one.start.getTime() - other.start.getTime());
}
