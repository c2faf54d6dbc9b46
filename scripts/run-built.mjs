// Runs the product as it was built and joined, in this very process.
import { fileURLToPath } from 'node:url';
import { runWithCodeCache } from './code-cache.mjs';
import { nameSourcesInStackTraces } from './stack-traces.mjs';

/** The product must have been built. */
export async function runBuilt() {
  nameSourcesInStackTraces();
  // Before the load, not only within it: V8 takes the code it kept only under the flags it was compiled under.
  const { tuneHeap } = (await import('../dist/src/boot/heap.js')).default;
  tuneHeap();
  runWithCodeCache(fileURLToPath(new URL('../dist/start/main.js', import.meta.url)));
}
