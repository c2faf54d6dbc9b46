/** The commands that take a while: what they do, how they tell where they are, and what they found. */
import { SingleBar } from 'cli-progress';
import type { Ctx } from '../ctx';
import { printDecimal } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { counted } from '../domain/limits';
import { type LedgerFault, verifyLedger } from '../services/ledger-verify';
import { type SyncOutcome, runSync } from '../services/mirror';
import { type CloseResult, closePeriod, duePeriods } from '../services/period-closes';
import type { Output, Row } from './output';

/** Blocks between two words of progress. */
const BLOCKS_AT_ONCE = 50;

/** Reads Odoo into the mirror. */
export async function syncMirror(ctx: Ctx, out: Output, { full }: { full: boolean }): Promise<void> {
  const bar = new SingleBar({
    format: '  reading {model}: {value} records',
    noTTYOutput: false,
    stream: process.stderr,
    clearOnComplete: true,
  });
  if (process.stderr.isTTY && !out.json) bar.start(0, 0, { model: '' });
  let outcome: SyncOutcome;
  try {
    outcome = await runSync(ctx, { full, wait: true, onProgress: (model, read) => bar.update(read, { model }) });
  } finally {
    bar.stop();
  }
  out.show(
    outcome.runs.map((r) => ({
      model: r.model,
      read: r.read,
      inserted: r.inserted,
      updated: r.updated,
      unchanged: r.unchanged,
      gone: r.gone,
      setAside: r.problems.length,
    })),
    '',
  );
}

/** Compares the ledger with its sealed blocks, from block `first` on. */
export async function verifyBlocks(ctx: Ctx, out: Output, first: number): Promise<void> {
  const faults: LedgerFault[] = [];
  let records = 0;
  let last: { block: number; hash: string } | undefined;
  for (let fromBlock = first, hasMore = true; hasMore;) {
    const report = await verifyLedger(ctx, { fromBlock, blocks: BLOCKS_AT_ONCE });
    faults.push(...report.faults);
    records += report.rows;
    if (report.lastBlock !== null) last = { block: report.lastBlock, hash: report.lastHash?.toString('hex') ?? '' };
    out.progress(`${counted(records)} records, up to block ${counted(last?.block ?? 0)}`);
    hasMore = report.hasMore && report.lastBlock !== null;
    fromBlock = (report.lastBlock ?? 0) + 1;
  }
  out.progress('');
  if (out.json) {
    const seen = { records, firstBlock: first, lastBlock: last?.block ?? null, lastHash: last?.hash ?? null };
    out.say(JSON.stringify({ holds: faults.length === 0, ...seen, faults }));
  } else {
    out.show(
      faults.map((fault) => ({ ...fault })),
      verdict({ faults: faults.length, records, first, last }),
    );
  }
  if (faults.length > 0) process.exitCode = 1;
}

function verdict(seen: {
  faults: number;
  records: number;
  first: number;
  last: { block: number; hash: string } | undefined;
}): string {
  const { faults, records, first, last } = seen;
  if (last === undefined) return first === 1 ? 'Nothing is sealed yet.' : `There is no block ${first} yet.`;
  const compared = `${counted(records)} records, blocks ${counted(first)} to ${counted(last.block)}`;
  const sentence =
    faults === 0
      ? `The ledger is what was sealed: ${compared}.`
      : `The ledger is not what was sealed: ${counted(faults)} ${faults === 1 ? 'fault' : 'faults'} in ${compared}.`;
  return `${sentence}\nHash of block ${counted(last.block)}: ${last.hash}`;
}

/** Closes every period that is due. */
export async function closeDuePeriods(ctx: Ctx, out: Output, { dryRun }: { dryRun: boolean }): Promise<void> {
  const rows: Row[] = [];
  const failed: Row[] = [];
  const due = await duePeriods(ctx);
  for (const [index, { id: periodId }] of due.entries()) {
    out.progress(`closing ${index + 1} of ${due.length}`);
    try {
      rows.push(...closeRows(await closePeriod(ctx, { periodId, dryRun })));
    } catch (error) {
      if (!(error instanceof BillingError)) throw error;
      failed.push({ period: periodId, error: error.message });
    }
  }
  out.progress('');
  out.show([...rows, ...failed], due.length === 0 ? 'No period is due.' : dryRun ? 'Nothing was stored.' : '');
  if (failed.length > 0) process.exitCode = 1;
}

function closeRows(result: CloseResult): Row[] {
  return (result.rating?.lines ?? []).map((line) => ({
    period: result.periodId,
    metric: line.charge.metricCode,
    product: line.charge.productName,
    units: printDecimal(line.units),
    billable: printDecimal(line.billableUnits),
    value: printDecimal(line.value),
    amount: `${printDecimal(line.amount)} ${line.currency}`,
  }));
}
