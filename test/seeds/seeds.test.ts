/**
 * Months of late usage, voids, replacements, missed and doubled runs: whatever comes, bills and balance are what the usage is
 * worth. A sample of the seeds; SEEDS_FROM and SEEDS_COUNT, which `npm run test:seeds` sets, say which ones.
 */
import { GROUP, groupOf, playGroup } from './group';

const FROM = Number(process.env.SEEDS_FROM ?? 1);
const COUNT = Number(process.env.SEEDS_COUNT ?? GROUP);

const firsts = Array.from({ length: COUNT }, (_, index) => groupOf(FROM + index)[0] ?? 1);
const groups = [...new Set(firsts)].map(groupOf);

it.each(groups.map((seeds) => ({ first: seeds[0], last: seeds.at(-1), seeds })))(
  'seeds $first to $last: bills and balance are the price of the final truth',
  ({ seeds }) => playGroup(seeds),
  600_000,
);
