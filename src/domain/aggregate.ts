/** What each aggregation makes of the effective records of a period: the definition the fast SQL is held against. */
import { type Decimal, sum } from './decimal';

export type Aggregation = 'SUM' | 'COUNT';

export interface CountedRecord {
  quantity: Decimal;
}

/** SUM adds quantities; COUNT adds them too, and its metrics take whole numbers only. No records: 0. */
export function aggregate(aggregation: Aggregation, records: Iterable<CountedRecord>): Decimal {
  switch (aggregation) {
    case 'SUM':
    case 'COUNT': {
      const quantities: Decimal[] = [];
      for (const record of records) quantities.push(record.quantity);
      return sum(quantities);
    }
  }
}
