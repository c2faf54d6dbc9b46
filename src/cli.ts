/** The command line: one use case a command. People read tables and sentences, programs ask for `--json`. */
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Logger } from 'pino';
import { createApp, createLog } from './app';
import { BootError } from './boot/boot-error';
import { playDemo } from './boot/demo-story';
import { openInstance } from './boot/instance';
import { stopRunning } from './boot/running';
import { closeDuePeriods, syncMirror, verifyBlocks } from './cli/long-commands';
import { createOutput, type Row } from './cli/output';
import { ConfigError, loadConfig } from './config';
import type { Ctx } from './ctx';
import { BillingError } from './domain/errors';
import { ALL_SCOPES, type Scope } from './domain/scope';
import { migrate } from './migrate';
import { createApiKey, listApiKeys, revokeApiKey, rotateApiKey } from './services/api-keys';
import type { ApiKey } from './entities/api-key';

const out = createOutput(() => program.opts<{ json?: boolean }>().json === true);

const program = new Command('fusion-billing')
  .description('Usage metering in front of Odoo: counters in, billable quantities out, every unit billed once.')
  .option('--json', 'answer in JSON, for programs')
  .showHelpAfterError();

program
  .command('demo')
  .description('play a month against a sandbox Odoo and say what each number means; touches nothing of yours')
  .action(() => run(({ config, log }) => playDemo({ config, log, say: out.say, json: out.json })));

program
  .command('migrate')
  .description('bring the database to the newest schema')
  .action(() =>
    run(async ({ config, log }) => {
      const instance = await openInstance(config, log);
      const { applied } = await migrate(instance.config.databaseUrl).finally(() => instance.stop());
      out.show(
        applied.map((name) => ({ applied: name })),
        applied.length === 0 ? 'Nothing to do: the schema is the newest.' : '',
      );
    }),
  );

const keys = program.command('keys').description('make, list, rotate and revoke API keys');

keys
  .command('create')
  .description('make a key; the secret is shown this once')
  .requiredOption('--name <name>', 'what the key is for')
  .option('--service <code>', 'the service it is bound to; without it the key is for the whole installation')
  .addOption(
    new Option('--scopes <list>', `separated by commas, of ${ALL_SCOPES.join(', ')}`)
      .argParser(parseScopes)
      .makeOptionMandatory(),
  )
  .option('--expires <instant>', 'when it ends, like 2026-12-31T00:00:00Z')
  .action((options: { name: string; service?: string; scopes: Scope[]; expires?: string }) =>
    withCtx(async (ctx) => {
      const { apiKey, secret } = await createApiKey(ctx, { ...options, expiresAt: options.expires ?? null });
      out.show([{ ...keyRow(apiKey), secret }], 'Keep the secret: it is not stored and cannot be shown again.');
    }),
  );

keys
  .command('list')
  .description('list keys, without their secrets')
  .option('--service <code>', 'of this service only')
  .action((options: { service?: string }) =>
    withCtx(async (ctx) => {
      const rows: Row[] = [];
      let after: string | null = null;
      do {
        const page = await listApiKeys(ctx, options.service ?? null, { first: 200, after });
        rows.push(...page.nodes.map(keyRow));
        after = page.hasNextPage ? (page.cursors.at(-1) ?? null) : null;
      } while (after !== null);
      out.show(rows, rows.length === 0 ? 'No keys.' : '');
    }),
  );

keys
  .command('rotate <id>')
  .description('make a new secret for the same rights; the old one works until the overlap ends')
  .option('--overlap-hours <hours>', 'how long both work', parseHours, 24)
  .action((id: string, options: { overlapHours: number }) =>
    withCtx(async (ctx) => {
      const { apiKey, secret } = await rotateApiKey(ctx, { id, overlapHours: options.overlapHours });
      out.show([{ ...keyRow(apiKey), secret }], `The old key works for another ${options.overlapHours} hours.`);
    }),
  );

keys
  .command('revoke <id>')
  .description('end a key now')
  .action((id: string) =>
    withCtx(async (ctx) => out.show([keyRow((await revokeApiKey(ctx, { id })).apiKey)], 'Revoked.')),
  );

program
  .command('sync')
  .description('read Odoo into the mirror now')
  .option('--full', 'read and compare everything, and find what is gone', false)
  .action((options: { full: boolean }) => withCtx((ctx) => syncMirror(ctx, out, options)));

program
  .command('close')
  .description('close the billing periods whose end and grace have passed')
  .requiredOption('--due', 'all that are due')
  .option('--dry-run', 'only show what would be billed', false)
  .action((options: { dryRun: boolean }) => withCtx((ctx) => closeDuePeriods(ctx, out, options)));

program
  .command('verify-ledger')
  .description('compare the ledger with its sealed blocks, and name every row that is not what was sealed')
  .option('--from <block>', 'the first block', parseBlock, 1)
  .action((options: { from: number }) => withCtx((ctx) => verifyBlocks(ctx, out, options.from)));

program
  .command('stop')
  .description('stop the instance that runs on DATA_DIR')
  .action(() =>
    run(async ({ config }) => {
      const stopped = await stopRunning(config.dataDir);
      out.show(
        stopped === undefined ? [] : [{ pid: stopped.pid, state: 'stopped' }],
        stopped === undefined ? 'Nothing runs.' : '',
      );
    }),
  );

function keyRow(key: ApiKey): Row {
  const state = key.revokedAt === null ? 'active' : 'revoked';
  return {
    id: key.id,
    name: key.name,
    prefix: key.prefix,
    scopes: key.scopes.join(' '),
    state,
    expiresAt: key.expiresAt,
  };
}

interface Invocation {
  config: ReturnType<typeof loadConfig>;
  log: Logger;
}

/** Runs a command; people's mistakes are one line and exit code 1, ours come with their stack. */
async function run(command: (invocation: Invocation) => Promise<void>): Promise<void> {
  try {
    const config = loadConfig();
    // What a command has to say goes to standard output; the log stays out of it.
    await command({ config, log: createLog({ logLevel: config.logLevel === 'info' ? 'silent' : config.logLevel }) });
  } catch (error) {
    process.exitCode = 1;
    const isExpected = error instanceof BillingError || error instanceof ConfigError || error instanceof BootError;
    const text = error instanceof Error ? (isExpected ? error.message : (error.stack ?? error.message)) : String(error);
    if (out.json)
      out.say(
        JSON.stringify({
          error: error instanceof BillingError ? { code: error.code, message: text } : { message: text },
        }),
      );
    else process.stderr.write(`${text}\n`);
  }
}

/** The same for commands that work on an installation. */
function withCtx(command: (ctx: Ctx) => Promise<void>): Promise<void> {
  return run(async ({ config, log }) => {
    const instance = await openInstance(config, log);
    try {
      const app = await createApp(instance.config, { log });
      const actor = {
        name: `cli:${userInfo().username}`,
        serviceId: null,
        scopes: new Set(ALL_SCOPES),
        apiKeyId: null,
      };
      await command({ ...app, now: app.clock(), requestId: randomUUID(), actor }).finally(() => app.close());
    } finally {
      await instance.stop();
    }
  });
}

function parseScopes(text: string): Scope[] {
  return text.split(',').map((part) => {
    const scope = ALL_SCOPES.find((known) => known === part.trim());
    if (scope === undefined) throw new InvalidArgumentError(`Scopes are ${ALL_SCOPES.join(', ')}.`);
    return scope;
  });
}

function parseBlock(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('The number of a block, from 1.');
  return Number(text);
}

function parseHours(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('A whole number of hours.');
  return Number(text);
}

void program.parseAsync();
