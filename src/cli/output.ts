/** What commands print: tables and sentences for people, JSON for programs, progress on a terminal. */

export type Row = Record<string, unknown>;

export interface Output {
  /** Whether a program reads it. */
  readonly json: boolean;
  /** Rows as a table and a sentence, or as JSON. */
  show(rows: readonly Row[], sentence: string): void;
  say(text: string): void;
  /** Overwrites the line of progress, on a terminal only; empty text clears it. */
  progress(text: string): void;
}

/** `isJson` is asked when something is printed: options are parsed later than this is made. */
export function createOutput(isJson: () => boolean): Output {
  return {
    get json(): boolean {
      return isJson();
    },
    show(rows, sentence): void {
      if (isJson()) return say(JSON.stringify(rows));
      printTable(rows);
      if (sentence !== '') say(sentence);
    },
    say,
    progress(text): void {
      if (process.stderr.isTTY && !isJson()) process.stderr.write(`\r\u001b[K${text === '' ? '' : `  ${text}`}`);
    },
  };
}

function printTable(rows: readonly Row[]): void {
  const [first] = rows;
  if (first === undefined) return;
  const columns = Object.keys(first);
  const cells = rows.map((row) => columns.map((column) => printCell(row[column])));
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  for (const row of [columns, ...cells]) {
    say(
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}

function printCell(value: unknown): string {
  if (value === null || value === undefined) return '-';
  return value instanceof Date ? value.toISOString() : String(value);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
