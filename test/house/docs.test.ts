/** What the pages of docs promise: an example of each operation, what to do about each code, links and headings that exist. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { buildSchema } from 'graphql';
import { CHAPTERS } from '../../scripts/docs/chapters';
import { filledIn, withoutExample } from '../../scripts/docs/play';
import { stable } from '../../scripts/docs/stable';
import { ERROR_CATALOGUE, type ErrorKind } from '../../src/domain/errors';
import { PASSED_CODES } from '../../src/resolvers/format-error';
import { graphqlSchema } from '../../src/resolvers/schema';

const root = path.join(__dirname, '..', '..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

/** As GitHub makes the anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

describe('docs/api.md', () => {
  it('has an example of every root field of the schema', () => {
    expect(withoutExample(graphqlSchema(), CHAPTERS)).toEqual([]);
  });

  it('would miss a field that nobody gave one', () => {
    const schema = buildSchema('type Query { viewer: Int, later: Int } type Mutation { createLater: Int }');
    expect(withoutExample(schema, CHAPTERS)).toEqual(['Query.later', 'Mutation.createLater']);
  });

  it('shows each example under a heading of its own, in the order of the story', () => {
    const titles = CHAPTERS.flatMap(({ title, examples }) => [
      `## ${title}`,
      ...examples.map((example) => `### ${example.title}`),
    ]);
    const headings = [...read('docs/api.md').matchAll(/^##+ .+$/gm)].map(([heading]) => heading);
    expect(headings.slice(0, titles.length)).toEqual(titles);
    expect(new Set(headings).size).toBe(headings.length);
  });
});

describe('docs/errors.md', () => {
  const page = read('docs/errors.md');

  it.each([...Object.keys(ERROR_CATALOGUE), ...PASSED_CODES])('tells about %s, with an answer that has it', (code) => {
    const section = page.split(`\n### ${code}\n`)[1]?.split('\n### ')[0] ?? '';
    expect(section).toContain('**What to do:**');
    expect(section).toContain(`"code": "${code}"`);
  });

  it('says of each code of ours what to do', () => {
    const kinds: ErrorKind[] = Object.values(ERROR_CATALOGUE);
    expect(kinds.filter(({ remedy }) => !/^[A-Z].{10,}\.$/.test(remedy))).toEqual([]);
  });
});

describe('what is replaced', () => {
  it('an id has the same number wherever it appears on a page, a secret and its prefix the same name', () => {
    const tidy = stable();
    const id = (end: string): string => `0192a4c0-1111-7abc-8def-00000000000${end}`;
    const secret = `fb_${'a1B-'.repeat(10)}xyz`;
    expect(
      tidy({ a: id('7'), b: [`of ${id('8')}`, id('7')], secret, prefix: secret.slice(0, 11), n: 1, no: null }),
    ).toEqual({
      a: '01a20000-0000-7000-8000-000000000001',
      b: ['of 01a20000-0000-7000-8000-000000000002', '01a20000-0000-7000-8000-000000000001'],
      secret: `fb_example1${'x'.repeat(35)}`,
      prefix: 'fb_example1',
      n: 1,
      no: null,
    });
    expect(tidy(id('8'))).toBe('01a20000-0000-7000-8000-000000000002');
  });

  it('a variable takes what an earlier answer had, a number as a number; an unknown one is an error', () => {
    const kept = new Map<string, unknown>([['product', 3]]);
    expect(filledIn({ input: { ids: ['{{product}}'], text: 'the {{product}}' } }, kept)).toEqual({
      input: { ids: [3], text: 'the {{product}}' },
    });
    expect(() => filledIn({ id: '{{link}}' }, kept)).toThrow('no earlier example keeps "link"');
  });
});

it('links between pages lead to headings that exist', () => {
  const pages = readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join('docs', name));
  const dead: string[] = [];
  let links = 0;
  for (const page of ['README.md', ...pages]) {
    for (const [, file = '', anchor = ''] of read(page).matchAll(/\]\((?!https?:)([^)#]*)#([^)]+)\)/g)) {
      links += 1;
      const target = file === '' ? page : path.join(path.dirname(page), file);
      const headings = [...read(target).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
      if (!headings.includes(anchor)) dead.push(`${page}: ${file}#${anchor}`);
    }
  }
  expect(links).toBeGreaterThan(20);
  expect(dead).toEqual([]);
});
