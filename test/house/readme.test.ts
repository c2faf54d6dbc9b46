/** The README tells the truth where a program can check it: the table of variables, the links, the commands. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, validate } from 'graphql';
import { DEFAULTS, VARIABLES } from '../../src/config';
import { graphqlSchema } from '../../src/resolvers/schema';

const root = path.join(__dirname, '..', '..');
const defaults: Partial<Record<string, string>> = DEFAULTS;

const read = (file: string): Promise<string> => readFile(path.join(root, file), 'utf8');

/** Cells of the table below a heading, without its two head rows. */
function tableBelow(heading: string, text: string): string[][] {
  const section = text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

it('lists every variable with its default and its meaning, in the order of the configuration', async () => {
  const expected = Object.entries(VARIABLES).map(([name, meaning]) => {
    const value = defaults[name];
    return [`\`${name}\``, value === undefined ? 'unset' : `\`${value}\``, meaning];
  });
  expect(expected.length).toBeGreaterThan(20);
  expect(tableBelow('Variables', await read('README.md'))).toEqual(expected);
});

it('and the pages of docs link to files that exist', async () => {
  const pages = (await readdir(path.join(root, 'docs'), { recursive: true })).filter((name) => name.endsWith('.md'));
  const dead: string[] = [];
  let links = 0;
  for (const page of ['README.md', ...pages.map((name) => path.join('docs', name))]) {
    for (const [, target = ''] of (await read(page)).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      links += 1;
      if (!existsSync(path.join(root, path.dirname(page), target))) dead.push(`${page}: ${target}`);
    }
  }
  expect(links).toBeGreaterThan(5);
  expect(dead).toEqual([]);
});

it('names only commands that the command line has', async () => {
  const source = await read('src/cli.ts');
  const known = [...source.matchAll(/\.command\('([a-z-]+)/g)].map(([, name]) => name);
  const named = [...(await read('README.md')).matchAll(/npx fusion-billing ([a-z]+)(?: (create))?/g)];
  expect(named.length).toBeGreaterThan(2);
  expect(named.flatMap(([, name, sub]) => [name, sub ?? name]).filter((name) => !known.includes(name))).toEqual([]);
});

it('asks the API only what the schema answers', async () => {
  const asked = [...(await read('README.md')).matchAll(/"query": ("(?:[^"\\]|\\.)*")/g)];
  // In a here-document of the shell a dollar sign is escaped.
  const documents = asked.map(([, text = '']) => JSON.parse(text.replaceAll('\\$', '$')) as string);
  expect(documents).toHaveLength(3);
  expect(documents.flatMap((document) => validate(graphqlSchema(), parse(document)))).toEqual([]);
});

it('names only npm scripts that package.json has', async () => {
  const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
  const named = [...(await read('README.md')).matchAll(/npm (?:run ([\w:-]+)|(start|test))/g)];
  expect(named.length).toBeGreaterThan(3);
  expect(named.map(([, run, own]) => run ?? own ?? '').filter((name) => scripts[name] === undefined)).toEqual([]);
});
