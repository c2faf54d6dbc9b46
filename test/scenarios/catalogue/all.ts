/** Every scenario there is, by number. */
import type { Scenario } from '../scenario';
import { dateMovedAfterTheWrite, dateMovedBeforeTheEnd, firstSeenRunning, voidedAfterTheInvoice } from './people';
import { quantityIsKept, runBeforeAnyWrite, runBeforeTheEnd, runSkipsAMonth } from './runs';
import { daysInToronto, plainMonth, quantityIsMoney, thousands, twoChargesAndAShadow } from './whole-months';

export const SCENARIOS: readonly Scenario[] = [
  plainMonth,
  runBeforeTheEnd,
  runBeforeAnyWrite,
  runSkipsAMonth,
  quantityIsKept,
  firstSeenRunning,
  dateMovedBeforeTheEnd,
  dateMovedAfterTheWrite,
  daysInToronto,
  twoChargesAndAShadow,
  thousands,
  quantityIsMoney,
  voidedAfterTheInvoice,
];
