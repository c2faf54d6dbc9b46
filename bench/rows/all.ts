/** All rows: those of the table, in its order, and those that are measured by name only. */
import type { Row } from '../row';
import { finalCloseRow } from './final-close';
import { largeLedgerRows } from './large-ledgers';
import { mirrorRow } from './mirror';
import { ledgerKeyRows } from './ledger-keys';
import { batchRows } from './record-batches';
import { singleRows } from './record-singles';
import { startRow } from './start';
import { writeBackAtOnceRow, writeBackRow } from './write-back';

export const ROWS: readonly Row[] = [
  ...batchRows,
  ...singleRows,
  ...largeLedgerRows,
  finalCloseRow,
  mirrorRow,
  writeBackRow,
  startRow,
];

export const ROWS_BY_NAME: readonly Row[] = [...ROWS, writeBackAtOnceRow, ...ledgerKeyRows];
