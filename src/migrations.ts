/** Every migration, the oldest first. */
import { Catalogue1770000000001 } from './migrations/1770000000001-catalogue';
import { Mirror1770000000002 } from './migrations/1770000000002-mirror';
import { Contracts1770000000003 } from './migrations/1770000000003-contracts';
import { Usage1770000000004 } from './migrations/1770000000004-usage';
import { Billing1770000000005 } from './migrations/1770000000005-billing';
import { Seals1770000000006 } from './migrations/1770000000006-seals';
import { Charges1770000000007 } from './migrations/1770000000007-charges';
import { Balances1770000000008 } from './migrations/1770000000008-balances';
import { Alerts1770000000009 } from './migrations/1770000000009-alerts';
import { Completeness1770000000010 } from './migrations/1770000000010-completeness';

export const MIGRATIONS = [
  Catalogue1770000000001,
  Mirror1770000000002,
  Contracts1770000000003,
  Usage1770000000004,
  Billing1770000000005,
  Seals1770000000006,
  Charges1770000000007,
  Balances1770000000008,
  Alerts1770000000009,
  Completeness1770000000010,
];
