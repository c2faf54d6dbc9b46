/**
 * Months of late usage, voids, replacements, missed and doubled runs: whatever comes, bills and balance are what the usage is
 * worth. A sample of the seeds; SEEDS_FROM and SEEDS_COUNT say which ones, `npm run test:seeds` plays a thousand.
 */
import { GROUP, groupOf, playGroup } from './group';

const LIMIT_MS = 600_000;
const { SEEDS_FROM, SEEDS_COUNT } = process.env;
const from = Number(SEEDS_FROM ?? 1);
const count = Number(SEEDS_COUNT ?? GROUP);

const firsts = new Set(Array.from({ length: count }, (_, index) => groupOf(from + index)[0] ?? 1));
const groups = [...firsts].map((first) => ({ first, last: first + GROUP - 1, seeds: groupOf(first) }));

it.each(groups)(
  'seeds $first to $last: bills and balance are the price of the final truth',
  async ({ seeds }) => {
    await playGroup(seeds).finally(() => {
      if (SEEDS_FROM !== undefined) process.stdout.write(`@seeds ${seeds.length}\n`);
    });
  },
  LIMIT_MS,
);
