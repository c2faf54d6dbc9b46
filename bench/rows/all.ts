/** All rows, in the order of the table. */
import type { Row } from '../row';
import { finalCloseRow } from './final-close';
import { largeLedgerRows } from './large-ledgers';
import { batchRows } from './record-batches';
import { singleRows } from './record-singles';
import { startRow } from './start';

export const ROWS: readonly Row[] = [...batchRows, ...singleRows, ...largeLedgerRows, finalCloseRow, startRow];
