/** The table that the README quotes, and the machine it was made on. */
import { cpus, totalmem } from 'node:os';
import { type Aim, type Measure, median, type Result, round } from './row';

/** The processor, its cores, the memory and the versions: without them a figure says nothing. */
export function machine(postgresVersion: string): string {
  const [first] = cpus();
  const memory = Math.round(totalmem() / 1024 ** 3);
  const model = first?.model.trim() ?? 'unknown processor';
  return `${cpus().length} × ${model}, ${memory} GiB, Node ${process.versions.node}, PostgreSQL ${postgresVersion}`;
}

const HEAD = ['what', 'baseline', 'baseline figure', 'ours', 'ratio, or figure: median (min to max)', 'aim'];

/** As Markdown, one line a row. */
export function table(results: readonly Result[]): string {
  const lines = results.map((result) => [
    result.row.what,
    result.row.baseline ?? '-',
    result.baseline.length === 0 ? '-' : figures(result.baseline),
    figures(result.ours),
    spread(result),
    `${showAim(result.row.aim)}${isMet(result) ? '' : ', **missed**'}`,
  ]);
  return [HEAD, HEAD.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Whether the median of the ratios is as good as the row's aim. */
export function isMet({ row: { aim }, ratios }: Result): boolean {
  if (aim === null) return true;
  return 'atLeast' in aim ? median(ratios) >= aim.atLeast : median(ratios) <= aim.atMost;
}

function showAim(aim: Aim): string {
  if (aim === null) return '-';
  return 'atLeast' in aim ? `>= ${aim.atLeast}` : `<= ${aim.atMost}`;
}

function spread({ ratios }: Result): string {
  const [least = Number.NaN] = ratios;
  const most = ratios.at(-1) ?? Number.NaN;
  return `${median(ratios).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

/** Medians over the rounds. */
function figures(measures: readonly Measure[]): string {
  const { unit = '', also = {} } = measures[0] ?? {};
  const further = Object.keys(also).map(
    (name) => `${round(median(measures.map((measure) => measure.also?.[name] ?? Number.NaN)))} ${name}`,
  );
  return [`${round(median(measures.map(({ value }) => value)))} ${unit}`, ...further].join(', ');
}
