/**
 * Keeps docs/api.md and docs/errors.md true: they are made from an installation that runs while they are made. From the
 * repository's root: `emit` writes them, `check` fails when one is stale.
 */
import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { graphqlSchema } from '../src/resolvers/schema';
import { apiPage } from './docs/api-page';
import { CHAPTERS } from './docs/chapters';
import { errorsPage } from './docs/errors-page';
import { httpChapter } from './docs/http-chapter';
import { withInstallation } from './docs/installation';
import { type Kept, playChapters, withoutExample } from './docs/play';
import { provokeAll } from './docs/refusals';
import { stable } from './docs/stable';

const API_FILE = path.join('docs', 'api.md');
const ERRORS_FILE = path.join('docs', 'errors.md');

/** Both pages as they should be now, by file. */
async function makePages(): Promise<Map<string, string>> {
  const lacking = withoutExample(graphqlSchema(), CHAPTERS);
  if (lacking.length > 0) throw new Error(`No example in scripts/docs/chapters of ${lacking.join(', ')}.`);
  const pages = await withInstallation(async (demo) => {
    const tidy = stable();
    const kept: Kept = new Map();
    const played = await playChapters(demo, CHAPTERS, kept);
    const http = await httpChapter(demo, kept);
    const provoked = await provokeAll(demo, kept);
    return [
      [API_FILE, apiPage(CHAPTERS, { played, extra: [http], tidy })],
      [ERRORS_FILE, errorsPage(provoked, stable())],
    ] as const;
  });
  return new Map(pages.map(([file, text]) => [file, formatted(file, text)]));
}

/** As the format check wants it. */
function formatted(file: string, input: string): string {
  const prettier = path.join('node_modules', 'prettier', 'bin', 'prettier.cjs');
  return execFileSync(process.execPath, [prettier, '--stdin-filepath', file], { input, encoding: 'utf8' });
}

async function emit(): Promise<void> {
  for (const [file, text] of await makePages()) {
    writeFileSync(file, text);
    console.log(`${file} written`);
  }
}

async function check(): Promise<boolean> {
  const stale = [...(await makePages())]
    .filter(([file, text]) => !existsSync(file) || readFileSync(file, 'utf8') !== text)
    .map(([file]) => file);
  if (stale.length > 0) console.error(`Stale: ${stale.join(', ')}. Write them with: npm run docs`);
  return stale.length === 0;
}

async function main([command = '']: string[]): Promise<number> {
  switch (command) {
    case 'emit':
      await emit();
      return 0;
    case 'check':
      return (await check()) ? 0 : 1;
    default:
      console.error('Usage: docs.js emit | check');
      return 2;
  }
}

if (require.main === module) {
  void main(process.argv.slice(2))
    .catch((error: Error) => {
      console.error(error.message);
      return 1;
    })
    .then((code) => {
      process.exitCode = code;
    });
}
