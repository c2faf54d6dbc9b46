/**
 * The house's rules as ESLint checks them: who may import whom, where time, environment and floats may be touched, how
 * long things may grow. `test/house/lint.test.ts` proves on a fixture that every rule set here fires.
 */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** What each file or folder of src may import of src besides itself: arrows point down, and never sideways. */
const MAY_IMPORT = {
  domain: [],
  entities: ['domain'],
  config: ['domain'],
  queue: ['domain'],
  odoo: ['domain', 'config'],
  telemetry: ['domain', 'config'],
  ctx: ['domain', 'config', 'odoo', 'telemetry'],
  services: ['domain', 'config', 'entities', 'queue', 'odoo', 'telemetry', 'ctx'],
  resolvers: ['domain', 'config', 'entities', 'ctx', 'services'],
  lago: ['domain', 'config', 'ctx', 'services'],
  jobs: ['domain', 'config', 'queue', 'ctx', 'services'],
  graphiql: [],
  migrations: [],
  migrate: [],
  app: ['domain', 'config', 'odoo', 'telemetry', 'ctx', 'migrate'],
  server: ['domain', 'config', 'telemetry', 'ctx', 'services', 'resolvers', 'lago', 'graphiql'],
  boot: ['domain', 'config', 'odoo', 'ctx', 'entities', 'services', 'jobs', 'migrate', 'app', 'server'],
  cli: ['domain', 'config', 'queue', 'odoo', 'ctx', 'entities', 'services', 'migrate', 'app', 'boot'],
  main: ['domain', 'config', 'telemetry', 'ctx', 'services', 'jobs', 'migrate', 'app', 'server', 'boot'],
};

/** Packages that a layer leaves to another one. */
const FORBIDDEN_PACKAGES = {
  entities: ['pg', 'fastify', 'graphile-worker', 'undici'],
  odoo: ['typeorm', 'pg', 'type-graphql', 'graphql', 'fastify', 'graphile-worker'],
  services: ['type-graphql', 'graphql', '@apollo/server', 'fastify', 'graphile-worker', 'undici'],
  resolvers: ['typeorm', 'pg', 'graphile-worker', 'undici'],
  lago: ['typeorm', 'pg', 'graphile-worker', 'undici'],
  jobs: ['typeorm', 'pg', 'type-graphql', 'graphql', 'fastify', 'undici'],
};

const DOMAIN_MAY_USE = String.raw`^(?!\.{1,2}/|(?:decimal\.js|luxon|node:assert|node:assert/strict|node:crypto)$)`;

/** The places that ask what time it is, and pass it on. */
const READS_THE_CLOCK = ['app', 'main', 'server', 'cli', 'resolvers/context', 'lago/routes', 'jobs', 'boot'];

const CLOCK = [
  'CallExpression[callee.object.name="Date"][callee.property.name="now"]',
  'NewExpression[callee.name="Date"][arguments.length=0]',
  'CallExpression[callee.name="Date"]',
  'CallExpression[callee.object.name="DateTime"][callee.property.name=/^(now|local|utc)$/][arguments.length=0]',
].map((selector) => ({ selector, message: 'Time is passed in: use ctx.now, or take the instant as an argument.' }));

const FLOATS = [
  'CallExpression[callee.name=/^(Number|parseFloat)$/]',
  'CallExpression[callee.object.name="Number"][callee.property.name=/^parse/]',
  'CallExpression[callee.property.name="toNumber"]',
  'UnaryExpression[operator="+"]',
].map((selector) => ({ selector, message: 'Quantities and amounts never go through a float: use Decimal.' }));

const TYPESCRIPT = ['**/*.ts', '**/*.tsx', '**/*.mts'];
const EXTENSIONS = ['.ts', '.tsx', '.mts', '.js', '.mjs'];
const SETTLED_BY_TOOLS = ['*.config.{mjs,cjs}', 'web/vite.config.mts', 'ormconfig.ts', 'test/support/global-*.ts'];
const GROWS_FREELY = ['src/migrations/**', 'test/**'];

/** A unit of src as glob patterns: a folder, or a file with or without a folder of its own. */
const unit = (name) => [`src/${name}.ts`, `src/${name}/**`];

/** Zones of `import-x/no-restricted-paths`, one for each unit of src and one for each fence outside of it. */
function zones(root) {
  const units = existsSync(path.join(root, 'src')) ? readdirSync(path.join(root, 'src')) : [];
  const known = units.map((entry) => {
    const name = path.parse(entry).name;
    const allowed = MAY_IMPORT[name];
    if (allowed === undefined) throw new Error(`src/${entry} has no place in MAY_IMPORT of eslint.config.mjs`);
    const except = units.filter((other) => [name, ...allowed].includes(path.parse(other).name));
    const message = `${name} may import of src: ${['itself', ...allowed].join(', ')}.`;
    return { target: `src/${entry}`, from: 'src', except: except.map((other) => `./${other}`), message };
  });
  const besides = units.filter((entry) => !['boot', 'main'].includes(path.parse(entry).name));
  return [
    ...known,
    { target: 'src', from: ['test', 'bench', 'scripts', 'web'], message: 'src stands alone.' },
    ...besides.map((entry) => ({
      target: `src/${entry}`,
      from: 'sandbox',
      message: 'Only boot, main and tests start the sandbox.',
    })),
    {
      target: 'sandbox',
      from: ['src', 'test', 'bench', 'scripts', 'web'],
      message: 'The sandbox imports nothing of ours.',
    },
    { target: 'web', from: ['src', 'sandbox', 'test', 'scripts'], message: 'Pages know the API only.' },
    {
      target: ['test/*.ts', 'test/!(support|boot)/**'],
      from: 'src/boot',
      message: 'Tests get a database from support.',
    },
  ];
}

function forbidImports({ packages = [], patterns = [] }) {
  const environment = { name: 'node:process', message: 'The environment is read in src/config.ts only.' };
  const layered = packages.map((name) => ({
    name,
    message: 'Another layer does this: see MAY_IMPORT in eslint.config.mjs.',
  }));
  return { 'no-restricted-imports': ['error', { paths: [environment, ...layered], patterns }] };
}

const packageRules = Object.entries(FORBIDDEN_PACKAGES).map(([name, packages]) => ({
  files: unit(name),
  rules: forbidImports({ packages }),
}));

const everywhere = {
  eqeqeq: 'error',
  'no-console': 'error',
  // Three of its own, beside the ctx or tx that comes first.
  'max-params': ['error', 4],
  'max-lines': ['error', 300],
  'max-lines-per-function': ['error', 70],
  'import-x/no-default-export': 'error',
};

const typeAware = {
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/only-throw-error': 'error',
  '@typescript-eslint/switch-exhaustiveness-check': 'error',
};

/** The whole configuration for the checkout at `root`. */
export function house(root) {
  return [
    { ignores: ['dist/**', 'coverage/**', '.data/**', '.setup/**', 'test/house/lint-fixture/**'] },
    { linterOptions: { reportUnusedDisableDirectives: 'error' } },
    ...tseslint.configs.recommended,
    {
      plugins: { 'import-x': importX },
      settings: {
        // Without both, no zone and no cycle is ever found, and nothing says so.
        'import-x/extensions': EXTENSIONS,
        'import-x/resolver-next': [createNodeResolver({ extensions: EXTENSIONS })],
      },
      rules: everywhere,
    },
    {
      files: TYPESCRIPT,
      languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
      rules: {
        ...typeAware,
        'import-x/no-cycle': ['error', { ignoreExternal: true }],
        'import-x/no-restricted-paths': ['error', { basePath: root, zones: zones(root) }],
      },
    },
    {
      files: ['src/**', 'sandbox/**'],
      rules: {
        ...forbidImports({}),
        'no-restricted-properties': [
          'error',
          { object: 'process', property: 'env', message: 'The environment is read in src/config.ts only.' },
        ],
      },
    },
    ...packageRules,
    {
      files: unit('domain'),
      rules: forbidImports({ patterns: [{ regex: DOMAIN_MAY_USE, message: 'domain is pure.' }] }),
    },
    {
      files: ['src/**'],
      ignores: READS_THE_CLOCK.flatMap(unit),
      rules: { 'no-restricted-syntax': ['error', ...CLOCK] },
    },
    { files: unit('domain'), rules: { 'no-restricted-syntax': ['error', ...CLOCK, ...FLOATS] } },
    { files: unit('config'), rules: { 'no-restricted-properties': 'off' } },
    { files: ['scripts/**', 'bench/**', ...unit('cli')], rules: { 'no-console': 'off' } },
    { files: SETTLED_BY_TOOLS, rules: { 'import-x/no-default-export': 'off' } },
    { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
    {
      files: GROWS_FREELY,
      rules: { 'max-lines': 'off', 'max-lines-per-function': 'off', 'max-params': 'off' },
    },
  ];
}

export default house(import.meta.dirname);
