/** All rows, in the order of the table. */
import type { Row } from '../row';
import { startRow } from './start';

export const ROWS: readonly Row[] = [startRow];
