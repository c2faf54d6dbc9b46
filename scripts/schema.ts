/**
 * Keeps schema.graphql, the product's face, in step with the resolvers. Run from the repository's root:
 * `emit` writes the file, `check` fails when it is stale, `diff [ref]` fails on a breaking change against the file of the
 * main branch (or of `ref`), unless a page in docs/decisions names the change.
 */
import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildSchema, lexicographicSortSchema, printSchema, type GraphQLSchema } from 'graphql';
import { buildGraphqlSchema } from '../src/resolvers/schema';

const SCHEMA_FILE = 'schema.graphql';
const DECISIONS = path.join('docs', 'decisions');
/** Where the main branch is looked for, the first that exists. */
const MAIN_BRANCHES = ['origin/main', 'main'];

/**
 * The text of schema.graphql: sorted, so that it does not depend on the order in which resolvers are loaded. The roots are
 * spelled out: a reader would otherwise take our type Subscription, an Odoo subscription, for the root of subscriptions.
 */
export function printSorted(schema: GraphQLSchema): string {
  return `${ROOTS}\n${printSchema(lexicographicSortSchema(schema))}\n`;
}

const ROOTS = `schema {
  query: Query
  mutation: Mutation
}
`;

/** A change that an existing client may feel; `path` is what a decision page must name, as in `Query.balances`. */
export interface BreakingChange {
  path: string;
  message: string;
}

/** Breaking changes from `before` to `after` that none of `pages` (Markdown) names between backticks. */
export async function undecidedChanges(
  before: GraphQLSchema,
  after: GraphQLSchema,
  pages: readonly string[],
): Promise<BreakingChange[]> {
  const { CriticalityLevel, diff } = await import('@graphql-inspector/core');
  const changes = await diff(before, after);
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ path: changed, message }) => ({ path: changed ?? message, message }))
    .filter((change) => !pages.some((page) => page.includes(`\`${change.path}\``)));
}

function emit(): void {
  writeFileSync(SCHEMA_FILE, printSorted(buildGraphqlSchema()));
  console.log(`${SCHEMA_FILE} written`);
}

function check(): boolean {
  const stored = existsSync(SCHEMA_FILE) ? readFileSync(SCHEMA_FILE, 'utf8') : '';
  if (stored === printSorted(buildGraphqlSchema())) return true;
  console.error(`${SCHEMA_FILE} is stale. Write it with: npm run build && node dist/scripts/schema.js emit`);
  return false;
}

async function compare(refs: readonly string[]): Promise<boolean> {
  const before = refs.map(schemaAt).find((text) => text !== undefined);
  if (before === undefined) {
    console.log(`No ${SCHEMA_FILE} at ${refs.join(' or ')}: nothing to compare with.`);
    return true;
  }
  const pages = existsSync(DECISIONS)
    ? readdirSync(DECISIONS).map((name) => readFileSync(path.join(DECISIONS, name), 'utf8'))
    : [];
  const undecided = await undecidedChanges(buildSchema(before), buildGraphqlSchema(), pages);
  for (const change of undecided) console.error(`breaking: ${change.path}: ${change.message}`);
  if (undecided.length > 0)
    console.error(`Deprecate first, or name each in a page of ${DECISIONS}, as \`Type.field\`.`);
  return undecided.length === 0;
}

function schemaAt(ref: string): string | undefined {
  try {
    return execFileSync('git', ['show', `${ref}:${SCHEMA_FILE}`], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return undefined;
  }
}

async function main([command = '', ref]: string[]): Promise<number> {
  switch (command) {
    case 'emit':
      emit();
      return 0;
    case 'check':
      return check() ? 0 : 1;
    case 'diff':
      return (await compare(ref === undefined ? MAIN_BRANCHES : [ref])) ? 0 : 1;
    default:
      console.error('Usage: schema.js emit | check | diff [ref]');
      return 2;
  }
}

if (require.main === module) {
  void main(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  });
}
