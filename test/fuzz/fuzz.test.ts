/**
 * Random requests, made from the schema itself, against the whole application. FUZZ_RUNS, FUZZ_SEED and FUZZ_PATH say how
 * many, and which to play again; `npm run test:fuzz` sets them.
 */
import fc from 'fast-check';
import { buildGraphqlSchema } from '../../src/resolvers/schema';
import { FOUND } from './found';
import { judge } from './judge';
import { requestsTo, toHttp, type FuzzRequest } from './requests';
import { startFuzzWorld, type FuzzWorld } from './world';

const RUNS = Number(process.env.FUZZ_RUNS ?? 300);
const SEED = Number(process.env.FUZZ_SEED ?? 20_260_310);
const PATH = process.env.FUZZ_PATH ?? '';
/** After so many the rows and the identities are compared; each round has a seed of its own. */
const ROUND = 1_000;
const PROGRESS_MS = 5_000;
const LIMIT_MS = 60_000 + RUNS * 500;
const rounds = Array.from({ length: Math.ceil(RUNS / ROUND) }, (_, index) => ({
  seed: SEED + index,
  runs: Math.min(ROUND, RUNS - index * ROUND),
}));

const schema = buildGraphqlSchema();
const kinds = new Map<string, number>();
const codes = new Map<string, number>();
const longest = { ms: 0, request: '' };
let world: FuzzWorld;
let runs = 0;
let shownAt = performance.now();

beforeAll(async () => {
  world = await startFuzzWorld();
}, 120_000);

afterAll(async () => {
  await world?.test.close();
  process.stdout.write(
    `${[
      `fuzz: ${runs} requests, seeds ${rounds.map(({ seed }) => seed).join(', ')}`,
      `  requests by key and operation: ${counted(kinds)}`,
      `  answers by code: ${counted(codes)}`,
      `  longest: ${longest.ms.toFixed(0)} ms for ${longest.request.slice(0, 1_000)}`,
    ].join('\n')}\n`,
  );
});

async function play(request: FuzzRequest): Promise<string[]> {
  const startedAt = performance.now();
  const answer = await world.test.server.inject(toHttp(request, world.secretOf(request.key)));
  const ms = performance.now() - startedAt;
  const verdict = judge({ world, schema }, request, {
    status: answer.statusCode,
    contentType: String(answer.headers['content-type']),
    body: answer.body,
  });
  count(request, verdict.codes);
  if (ms > longest.ms) Object.assign(longest, { ms, request: `${request.text} ${request.variables}` });
  return verdict.faults;
}

function count(request: FuzzRequest, answered: readonly string[]): void {
  const add = (counts: Map<string, number>, name: string): unknown => counts.set(name, (counts.get(name) ?? 0) + 1);
  runs += 1;
  add(kinds, `${request.key} ${request.kind}`);
  for (const code of answered.length === 0 ? ['none'] : new Set(answered)) add(codes, code);
  if (performance.now() - shownAt < PROGRESS_MS) return;
  shownAt = performance.now();
  process.stdout.write(`fuzz: ${runs} of ${RUNS} requests\n`);
}

function counted(counts: Map<string, number>): string {
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.map(([name, number]) => `${name} ${number}`).join(', ');
}

it.each(rounds)(
  'with seed $seed: no request of $runs breaks anything, or shows or changes what is another service’s',
  async ({ seed, runs: numRuns }) => {
    const before = await world.rowsOfOther();
    const property = fc.asyncProperty(requestsTo(schema, world.words), async (request) => {
      const faults = await play(request);
      if (faults.length > 0) throw new Error(faults.join('\n'));
    });
    const result = await fc.check(property, { seed, numRuns, path: PATH });
    if (result.failed) {
      const again = `npm run test:fuzz -- --runs=${numRuns} --seed=${seed} --path=${result.counterexamplePath ?? ''}`;
      throw new Error(`${fc.defaultReportMessage(result)}\n${String(result.errorInstance)}\n\nAgain: ${again}`);
    }
    await world.test.checkIdentities();
    expect(await world.rowsOfOther()).toEqual(before);
  },
  LIMIT_MS,
);

it.each(FOUND)('$what: is refused, and is no mistake of ours', async ({ text, variables = {}, code }) => {
  const request: FuzzRequest = {
    key: 'ALL',
    envelope: 'post',
    accept: 'application/json',
    kind: 'broken',
    text,
    variables: JSON.stringify(variables),
  };
  const answer = await world.test.server.inject(toHttp(request, world.secretOf('ALL')));
  expect(answer.statusCode).toBe(200);
  const { errors } = answer.json<{ errors: { extensions: { code: string } }[] }>();
  expect(new Set(errors.map(({ extensions }) => extensions.code))).toEqual(new Set([code]));
  expect(world.takeErrors()).toEqual([]);
});

it('asked with every key, and was answered with data and with refusals of many kinds', () => {
  for (const key of ['ALL query', 'ALL mutation', 'FEW', 'READER', 'NONE', 'WRONG']) {
    expect([...kinds.keys()].filter((kind) => kind.startsWith(key))).not.toEqual([]);
  }
  for (const code of ['none', 'VALIDATION_FAILED', 'NOT_FOUND', 'FORBIDDEN', 'GRAPHQL_VALIDATION_FAILED']) {
    expect(codes.get(code) ?? 0).toBeGreaterThan(0);
  }
});
