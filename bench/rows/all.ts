/** All rows, in the order of the table. */
import type { Row } from '../row';
import { mirrorRow } from './mirror';
import { startRow } from './start';
import { writeBackAtOnceRow, writeBackRow } from './write-back';

export const ROWS: readonly Row[] = [mirrorRow, writeBackRow, writeBackAtOnceRow, startRow];
