// The order of the test files: those that play months or start servers come first, so that no worker ends long after the other.
const { statSync } = require('node:fs');
const path = require('node:path');

/** Folders of `test` with long files, the longest first; within a folder, and among the rest, the larger file. */
const FIRST = ['scenarios', 'seeds', 'crash', 'faults', 'billing', 'fuzz', 'boot', 'services'];

function rankOf(file) {
  const [folder] = path.relative(path.join(__dirname, '..'), file).split(path.sep);
  const rank = FIRST.indexOf(folder);
  return rank === -1 ? FIRST.length : rank;
}

/** What jest asks of a sequencer. */
module.exports = class LongFilesFirst {
  sort(tests) {
    const places = Array.from(tests, (test) => ({ test, rank: rankOf(test.path), size: statSync(test.path).size }));
    return places.sort((left, right) => left.rank - right.rank || right.size - left.size).map(({ test }) => test);
  }

  shard(tests, { shardIndex, shardCount }) {
    return Array.from(tests).filter((_, index) => index % shardCount === shardIndex - 1);
  }

  allFailedTests(tests) {
    return Array.from(tests);
  }

  cacheResults() {}
};
