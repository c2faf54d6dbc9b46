/** The chapters of docs/api.md in the order of the story. */
import { alerts } from './chapters/alerts';
import { byName } from './chapters/balances';
import { close, derived, due, proof } from './chapters/billing';
import { charges } from './chapters/charges';
import { endings } from './chapters/endings';
import { accounts, catalogue, keys, whoAmI } from './chapters/set-up';
import { usage } from './chapters/usage';
import type { Chapter } from './example';

export const CHAPTERS: readonly Chapter[] = [
  whoAmI,
  catalogue,
  accounts,
  keys,
  usage,
  due,
  alerts,
  close,
  byName,
  derived,
  proof,
  charges,
  endings,
];
