/**
 * Which cases of Odoo in trouble are played: a sample, or all of them for several seeds. FAULTS_SEED and FAULTS_ROUNDS say
 * so; `npm run test:odoo-faults` sets them. Also the draw: one seed and one text give one number, always.
 */
import { createHash } from 'node:crypto';
import { SCENARIOS } from './catalogue/all';
import type { Scenario } from './scenario';

const SEED = Number(process.env.FAULTS_SEED ?? 7);
/** Whole rounds over all cases, each with a seed of its own; 0: a sample of one. */
const ROUNDS = Number(process.env.FAULTS_ROUNDS ?? 0);
/** The scenario with which the sample begins: so, with its seed, days of both ends are among it. */
const SAMPLE_BEGINS_AT = 8;
const PROGRESS_MS = 10_000;

export interface Case<K extends string> {
  name: string;
  scenario: Scenario;
  kind: K;
  seed: number;
}

export interface Sample {
  /** How often it has each kind. */
  perKind: number;
  /** Scenarios that the sample of another file has taken before. */
  after: number;
}

/** Scenario by scenario, so that its plain run is played once. */
export function casesOf<K extends string>(kinds: readonly K[], sample: Sample): Case<K>[] {
  const all = SCENARIOS.flatMap((scenario) => kinds.map((kind) => ({ scenario, kind })));
  if (ROUNDS === 0) return all.filter((one) => isDealt(one, kinds, sample)).map((one) => named(one, SEED));
  const seeds = Array.from({ length: ROUNDS }, (_, round) => SEED + round);
  return all.flatMap((one) => seeds.map((seed) => named(one, seed)));
}

/** Scenarios are dealt to the kinds one after the other. */
function isDealt<K extends string>(
  { scenario, kind }: { scenario: Scenario; kind: K },
  kinds: readonly K[],
  { perKind, after }: Sample,
): boolean {
  const first = SAMPLE_BEGINS_AT + after;
  const turns = Array.from({ length: perKind }, (_, turn) => first + turn * kinds.length + kinds.indexOf(kind));
  return turns.some((turn) => SCENARIOS[turn % SCENARIOS.length] === scenario);
}

function named<K extends string>({ scenario, kind }: { scenario: Scenario; kind: K }, seed: number): Case<K> {
  const number = scenario.name.slice(0, scenario.name.indexOf(':'));
  return { name: `scenario ${number}, ${kind}, seed ${seed}`, scenario, kind, seed };
}

/** Whole numbers below a limit, one after the other, the same ones for the same seed and text. */
export function draw(seed: number, text: string): (limit: number) => number {
  let drawn = 0;
  return (limit) => {
    drawn += 1;
    return createHash('sha256').update(`${seed}/${text}/${drawn}`).digest().readUInt32BE(0) % limit;
  };
}

export interface Tally {
  /** Plays one case, counts it, and says with a failure how it is played again. */
  play(one: Case<string>, work: (note: (text: string) => void) => Promise<void>): Promise<void>;
  /** One line for each kind, and the longest case. */
  print(): void;
}

/** Counts what was played; tells about it every few seconds while all cases are played. */
export function tallyOf(name: string, total: number): Tally {
  const counts = new Map<string, number>();
  let longest = { ms: 0, name: 'none' };
  let shownAt = performance.now();
  let played = 0;
  const say = (text: string): unknown => process.stdout.write(`${name}: ${text}\n`);
  return {
    async play(one, work) {
      const startedAt = performance.now();
      const notes: string[] = [];
      try {
        await work((text) => notes.push(text));
      } catch (error) {
        const again = `npm run test:odoo-faults -- --seed=${one.seed} --rounds=1 --case='${one.name}'`;
        throw new Error(`${one.name}: ${notes.join('; ')}\nAgain: ${again}\n${String(error)}`, { cause: error });
      }
      const ms = performance.now() - startedAt;
      if (ms > longest.ms) longest = { ms, name: `${one.name}: ${notes.join('; ')}` };
      counts.set(one.kind, (counts.get(one.kind) ?? 0) + 1);
      played += 1;
      if (ROUNDS === 0 || performance.now() - shownAt < PROGRESS_MS) return;
      shownAt = performance.now();
      say(`${played} of ${total} cases, now ${one.name}`);
    },
    print() {
      const kinds = [...counts].map(([kind, count]) => `${kind} ${count}`).join(', ');
      say(`${played} cases, first seed ${SEED}${ROUNDS === 0 ? ', a sample' : `, ${ROUNDS} rounds`}: ${kinds}`);
      say(`longest ${(longest.ms / 1000).toFixed(1)} s: ${longest.name}`);
    },
  };
}
