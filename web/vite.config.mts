/** Builds the pages served at /graphiql into dist/web: everything they load is in that folder, nothing comes from a CDN. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('.'),
  base: '/graphiql/',
  cacheDir: here('../node_modules/.cache/vite'),
  build: {
    outDir: here('../dist/web'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    // The editor is one chunk of about 3 MB; the default warning at 500 kB would be printed at each build.
    chunkSizeWarningLimit: 4_000,
    rolldownOptions: {
      onLog(level, log, report) {
        // Libraries mark files for React's server side ("use client"); a bundle for the browser has no use for it.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log);
      },
    },
  },
  worker: { format: 'es' },
});
