/** Proves that each of the house's lint rules fires where it should, and nowhere else, on a fixture of violations. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import tseslint from 'typescript-eslint';

const run = promisify(execFile);
const fixture = path.join(__dirname, 'lint-fixture');
const config = path.resolve('eslint.config.mjs');

interface Report {
  file: string;
  line: number;
  rule: string;
}

let reports: Report[];
let rules: string[];

beforeAll(async () => {
  const { stdout } = await run(process.execPath, [path.join(__dirname, 'run-lint-fixture.mjs')], {
    maxBuffer: 10_000_000,
  });
  ({ reports, rules } = JSON.parse(stdout) as { reports: Report[]; rules: string[] });
}, 120_000);

const print = ({ file, line, rule }: Report): string => `${file}:${line} ${rule}`;

/** What the fixture's own comments say must be reported. */
async function expectedReports(): Promise<Report[]> {
  const names = await readdir(fixture, { recursive: true });
  const files = names.filter((name) => /\.tsx?$/.test(name));
  const found = await Promise.all(
    files.map(async (file) => {
      const lines = (await readFile(path.join(fixture, file), 'utf8')).split('\n');
      return lines.flatMap((text, index) => {
        const expected = /\/\/ expect: (.+)$/.exec(text)?.[1]?.split(', ') ?? [];
        return expected.map((rule) => ({ file, line: index + 1, rule }));
      });
    }),
  );
  return found.flat();
}

it('reports exactly the marked lines of the fixture', async () => {
  const expected = await expectedReports();
  expect(expected.length).toBeGreaterThan(100);
  expect(reports.map(print).sort()).toEqual(expected.map(print).sort());
});

it('has a violation in the fixture for every rule that the house adds to the preset', () => {
  const preset = new Set(tseslint.configs.recommended.flatMap((part) => Object.keys(part.rules ?? {})));
  const added = rules.filter((rule) => !preset.has(rule) || rule === '@typescript-eslint/no-explicit-any');
  const fired = new Set(reports.map(({ rule }) => rule));
  expect(added.length).toBeGreaterThanOrEqual(18);
  expect(added.filter((rule) => !fired.has(rule))).toEqual([]);
});

it('breaks an import zone from every part of src that the layer table names', async () => {
  const table = /const MAY_IMPORT = \{(.*?)\n\};/s.exec(await readFile(config, 'utf8'))?.[1] ?? '';
  const units = [...table.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name);
  const broken = reports
    .filter(({ rule }) => rule === 'import-x/no-restricted-paths')
    .map(({ file }) => /^src\/(\w+)/.exec(file)?.[1]);
  expect(units).toContain('domain');
  expect(units.filter((name) => !broken.includes(name))).toEqual([]);
});

it('refuses a folder of src that the layer table does not name', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'lint-'));
  try {
    await mkdir(path.join(root, 'src', 'helpers'), { recursive: true });
    await writeFile(path.join(root, 'src', 'helpers', 'a.ts'), 'export const a = 1;\n');
    const script = `import { house } from ${JSON.stringify(pathToFileURL(config).href)}; house(${JSON.stringify(root)});`;
    const refused = run(process.execPath, ['--input-type=module', '--eval', script]);
    await expect(refused).rejects.toThrow('src/helpers has no place in MAY_IMPORT of eslint.config.mjs');
  } finally {
    await rm(root, { recursive: true });
  }
});
