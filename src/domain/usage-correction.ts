/** Corrections as callers send them: what takes a record out of the count, or gives it another quantity. Syntax only. */
import type { Decimal } from './decimal';
import { asRefusal, type BillingError } from './errors';
import { invalid, MAX_REASON_LENGTH, parseDecimal, parseText } from './parse';
import { correctionContentHash } from './usage-content';
import { MAX_NAME_LENGTH, optionalText } from './usage-record';

/** Undefined and null are the same: left out. */
export interface VoidInput {
  service?: string | null;
  idempotencyKey: string;
  /** Key of the record to take out. */
  voids: string;
  reason: string;
}

export interface ReplacementInput {
  service?: string | null;
  idempotencyKey: string;
  /** Key of the record to replace. */
  replaces: string;
  quantity: string;
  reason: string;
}

/** A correction whose syntax is right. */
export interface CorrectionDraft {
  readonly service: string | null;
  readonly idempotencyKey: string;
  /** Idempotency key of the record, or of an earlier replacement of it. */
  readonly target: string;
  readonly reason: string;
  /** What the record counts from now on; null for a void. */
  readonly quantity: Decimal | null;
  /** Hex SHA-256 of the canonical content. */
  readonly contentHash: string;
}

/** The input's name for the record that is corrected. */
export type TargetField = 'voids' | 'replaces';

export function targetField({ quantity }: Pick<CorrectionDraft, 'quantity'>): TargetField {
  return quantity === null ? 'voids' : 'replaces';
}

/** The draft, or VALIDATION_FAILED with the field whose syntax is wrong. */
export function parseVoid(input: VoidInput): CorrectionDraft | BillingError {
  return parsed(() => readCorrection(input, { target: input.voids, quantity: null }));
}

/** The draft, or VALIDATION_FAILED with the field whose syntax is wrong. */
export function parseReplacement(input: ReplacementInput): CorrectionDraft | BillingError {
  return parsed(() =>
    readCorrection(input, { target: input.replaces, quantity: parseDecimal(input.quantity, 'quantity') }),
  );
}

function readCorrection(
  input: Pick<VoidInput, 'service' | 'idempotencyKey' | 'reason'>,
  { target, quantity }: { target: string; quantity: Decimal | null },
): CorrectionDraft {
  const content = {
    target: parseText(target, targetField({ quantity }), MAX_NAME_LENGTH),
    reason: parseText(input.reason, 'reason', MAX_REASON_LENGTH),
    quantity,
  };
  if (!/\S/.test(content.reason)) throw invalid('reason', 'reason must say why.');
  return {
    service: optionalText(input.service, 'service'),
    idempotencyKey: parseText(input.idempotencyKey, 'idempotencyKey', MAX_NAME_LENGTH),
    ...content,
    contentHash: correctionContentHash(content),
  };
}

function parsed<T>(read: () => T): T | BillingError {
  try {
    return read();
  } catch (error) {
    return asRefusal(error);
  }
}
