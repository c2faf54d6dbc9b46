import { DateTime } from 'luxon';

export const milliseconds = Date.now(); // expect: no-restricted-syntax
export const today = new Date(); // expect: no-restricted-syntax
export const printed = Date(); // expect: no-restricted-syntax
export const luxonNow = DateTime.now(); // expect: no-restricted-syntax
export const luxonUtc = DateTime.utc(); // expect: no-restricted-syntax
export const luxonLocal = DateTime.local(); // expect: no-restricted-syntax
export const passedIn = new Date(1_800_000_000_000);
