/** Every table that the code works with as entities. */
import { AccountLink } from './account-link';
import { Adjustment } from './adjustment';
import { ApiKey } from './api-key';
import { AuditEntry } from './audit-entry';
import { BalanceEntry } from './balance-entry';
import { BillableLine } from './billable-line';
import { BillerSpan } from './biller-span';
import { BillingBlock } from './billing-block';
import { BillingPeriod } from './billing-period';
import { ChargePin } from './charge-pin';
import { Charge } from './charge';
import { Contract } from './contract';
import { Currency } from './currency';
import { FinalDue } from './final-due';
import { GapWaiver } from './gap-waiver';
import { InvoiceLine } from './invoice-line';
import { Invoice } from './invoice';
import { LinePin } from './line-pin';
import { Metric } from './metric';
import { Partner } from './partner';
import { Plan } from './plan';
import { Product } from './product';
import { RatingDifference } from './rating-difference';
import { Service } from './service';
import { SlotSettlement } from './slot-settlement';
import { SubscriptionLine } from './subscription-line';
import { Subscription } from './subscription';
import { SyncRun } from './sync-run';
import { SyncState } from './sync-state';
import { UsageAlertEvent } from './usage-alert-event';
import { UsageAlert } from './usage-alert';
import { UsageAssignment } from './usage-assignment';
import { UsageRecord } from './usage-record';
import { WriteBackAttempt } from './write-back-attempt';
import { WriteBack } from './write-back';

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
