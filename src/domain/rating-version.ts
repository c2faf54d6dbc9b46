/**
 * The version of the rules that make an amount out of usage. Raise it by one in the change that makes any rule of aggregation,
 * buckets, free units, prices, minimums or rounding give another value for the same records and the same charge: closed periods
 * then keep what they were rated, and what the new rules would make of them goes to a report. A refactoring leaves it alone.
 */
export const RATING_VERSION = 1;
