/** Every table that the code works with as entities. */
import { AccountLink } from './entities/account-link';
import { Adjustment } from './entities/adjustment';
import { ApiKey } from './entities/api-key';
import { AuditEntry } from './entities/audit-entry';
import { BalanceEntry } from './entities/balance-entry';
import { BillableLine } from './entities/billable-line';
import { BillerSpan } from './entities/biller-span';
import { BillingBlock } from './entities/billing-block';
import { BillingPeriod } from './entities/billing-period';
import { ChargePin } from './entities/charge-pin';
import { Charge } from './entities/charge';
import { Contract } from './entities/contract';
import { Currency } from './entities/currency';
import { FinalDue } from './entities/final-due';
import { GapWaiver } from './entities/gap-waiver';
import { InvoiceLine } from './entities/invoice-line';
import { Invoice } from './entities/invoice';
import { LinePin } from './entities/line-pin';
import { Metric } from './entities/metric';
import { Partner } from './entities/partner';
import { Plan } from './entities/plan';
import { Product } from './entities/product';
import { RatingDifference } from './entities/rating-difference';
import { Service } from './entities/service';
import { SlotSettlement } from './entities/slot-settlement';
import { SubscriptionLine } from './entities/subscription-line';
import { Subscription } from './entities/subscription';
import { SyncRun } from './entities/sync-run';
import { SyncState } from './entities/sync-state';
import { UsageAlertEvent } from './entities/usage-alert-event';
import { UsageAlert } from './entities/usage-alert';
import { UsageAssignment } from './entities/usage-assignment';
import { UsageRecord } from './entities/usage-record';
import { WriteBackAttempt } from './entities/write-back-attempt';
import { WriteBack } from './entities/write-back';

export const ENTITIES = [
  AccountLink,
  Adjustment,
  ApiKey,
  AuditEntry,
  BalanceEntry,
  BillableLine,
  BillerSpan,
  BillingBlock,
  BillingPeriod,
  ChargePin,
  Charge,
  Contract,
  Currency,
  FinalDue,
  GapWaiver,
  InvoiceLine,
  Invoice,
  LinePin,
  Metric,
  Partner,
  Plan,
  Product,
  RatingDifference,
  Service,
  SlotSettlement,
  SubscriptionLine,
  Subscription,
  SyncRun,
  SyncState,
  UsageAlertEvent,
  UsageAlert,
  UsageAssignment,
  UsageRecord,
  WriteBackAttempt,
  WriteBack,
];
