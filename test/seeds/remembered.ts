/**
 * What a world knows of its usage because it sent it: every record as it stands, and what must become of whatever is sent
 * next. Nothing here is read back from the application.
 */
import { type CountedRecord, countedMicros } from '../../src/domain/aggregate';
import { Decimal } from '../../src/domain/decimal';
import { removalRefusal, seriesRefusal } from '../../src/domain/series';
import { printDimensions } from '../../src/domain/usage-content';
import { quantityRefusal } from '../../src/domain/usage-record';
import type { MetricPlan } from './catalogue';

/** A record as it is sent, besides service and account. */
export interface Sent {
  idempotencyKey: string;
  metric: string;
  windowStart: string;
  windowEnd: string;
  quantity: string;
  dimensions?: Record<string, string>;
  meter?: string;
  events?: number;
  revision?: number;
  opening?: string;
  reset?: boolean;
  operation?: 'ADD' | 'REMOVE';
}

/** A correction as it is sent; without a quantity it voids. */
export interface Correction {
  idempotencyKey: string;
  target: string;
  quantity?: string;
  reason: string;
}

/** RECORDED, DUPLICATE, or the code of the refusal. */
export type Outcome = string;

export interface Remembered extends CountedRecord {
  idempotencyKey: string;
  metric: MetricPlan;
  sent: Sent;
  isVoided: boolean;
}

export class Memory {
  readonly records: Remembered[] = [];
  readonly corrections: Correction[] = [];
  /** Records by their own key and those of their replacements; null: the key of a void. */
  private readonly owners = new Map<string, Remembered | null>();
  private position = 0n;

  constructor(private readonly metrics: readonly MetricPlan[]) {}

  metric(code: string): MetricPlan {
    const metric = this.metrics.find((candidate) => candidate.code === code);
    if (metric === undefined) throw new Error(`No metric ${code}.`);
    return metric;
  }

  /** Records of a metric that count, by time. */
  standing(metric: MetricPlan): Remembered[] {
    return this.records
      .filter((record) => record.metric === metric && !record.isVoided)
      .sort((one, other) => countedMicros(one) - countedMicros(other) || Number(one.position - other.position));
  }

  /** Takes in what is sent now; gives what must be answered. */
  record(sent: Sent): Outcome {
    const known = this.records.find(({ idempotencyKey }) => idempotencyKey === sent.idempotencyKey);
    if (known !== undefined) {
      return JSON.stringify(known.sent) === JSON.stringify(sent) ? 'DUPLICATE' : 'IDEMPOTENCY_CONFLICT';
    }
    const record = this.read(sent);
    const refusal = seriesRefusal(record.metric.rules.semantics, record, this.besides(record));
    if (refusal !== null) return refusal.code;
    this.position = record.position;
    this.records.push(record);
    this.owners.set(sent.idempotencyKey, record);
    return 'RECORDED';
  }

  /** The same for a correction. */
  correct(correction: Correction): Outcome {
    if (this.corrections.some(({ idempotencyKey }) => idempotencyKey === correction.idempotencyKey)) return 'DUPLICATE';
    const record = this.owners.get(correction.target);
    if (record === undefined) return 'NOT_FOUND';
    if (record === null) return 'VALIDATION_FAILED';
    if (record.isVoided) return 'CONFLICT';
    const quantity = correction.quantity === undefined ? null : new Decimal(correction.quantity);
    const refusal = this.correctionRefusal(record, quantity);
    if (refusal !== null) return refusal.code;
    if (quantity === null) record.isVoided = true;
    else record.quantity = quantity;
    this.corrections.push(correction);
    this.owners.set(correction.idempotencyKey, quantity === null ? null : record);
    return 'RECORDED';
  }

  private correctionRefusal(record: Remembered, quantity: Decimal | null): { code: string } | null {
    const { rules } = record.metric;
    const isReading = rules.semantics === 'CUMULATIVE';
    if (quantity === null) return isReading ? removalRefusal(record, this.besides(record)) : null;
    const refusal = quantityRefusal(quantity, rules);
    if (refusal !== null || !isReading) return refusal;
    return seriesRefusal('CUMULATIVE', { ...record, quantity }, this.besides(record));
  }

  /** The others of the series that count. */
  private besides(record: Remembered): Remembered[] {
    return this.standing(record.metric).filter((other) => other !== record && other.series === record.series);
  }

  private read(sent: Sent): Remembered {
    const { dimensions = null, meter = null, opening, operation } = sent;
    const metric = this.metric(sent.metric);
    const isUnique = metric.rules.aggregation === 'UNIQUE_COUNT';
    return {
      idempotencyKey: sent.idempotencyKey,
      metric,
      sent,
      isVoided: false,
      position: this.position + 1n,
      windowStart: new Date(sent.windowStart),
      windowEnd: new Date(sent.windowEnd),
      quantity: new Decimal(sent.quantity),
      events: new Decimal(sent.events ?? 1),
      series: JSON.stringify([printDimensions(dimensions), meter]),
      revision: sent.revision ?? null,
      opening: opening === undefined ? null : new Decimal(opening),
      reset: sent.reset ?? false,
      value: isUnique ? (dimensions?.user ?? null) : null,
      operation: isUnique ? (operation ?? null) : null,
    };
  }
}
