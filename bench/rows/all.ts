/** All rows, in the order of the table. */
import type { Row } from '../row';
import { finalCloseRow } from './final-close';
import { largeLedgerRows } from './large-ledgers';
import { mirrorRow } from './mirror';
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
  writeBackAtOnceRow,
  startRow,
];
