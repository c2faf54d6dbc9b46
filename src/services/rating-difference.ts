/**
 * Tells late usage from newer rating code: a closed period's line is stored with the version that rated it and a mark of the
 * ledger rows it saw. What differs though the mark is the same is reported, and enters a balance only when a person accepts it.
 */
import type { EntityManager } from 'typeorm';
import type { Decimal } from '../domain/decimal';
import { clip } from '../domain/errors';
import { MAX_REASON_LENGTH } from '../domain/parse';
import { RATING_VERSION } from '../domain/rating-version';

/** The newest revision of a (charge, bucket) in a period. */
export interface StoredRating {
  id: string;
  revision: number;
  units: Decimal;
  value: Decimal;
  ratingVersion: number;
  ledgerMark: string;
}

/** What a (charge, bucket) is worth when its period is rated again. */
export interface Rerating {
  periodId: string;
  chargeId: string;
  bucket: string;
  before: StoredRating | undefined;
  now: { units: Decimal; value: Decimal; ledgerMark: string };
}

const LATE = 'late usage, corrections or assignments';

/**
 * Why what a line is worth now is to be stored as its next revision; null when it is not, because nothing changed or only
 * newer rating code would change it. That is reported once, and stored as soon as a person has accepted it.
 */
export async function reasonForRevision(tx: EntityManager, rerating: Rerating, at: Date): Promise<string | null> {
  const { before, now } = rerating;
  if (before === undefined) return LATE;
  const isSame = before.value.eq(now.value) && before.units.eq(now.units);
  if (before.ratingVersion >= RATING_VERSION) return isSame ? null : LATE;
  if (before.ledgerMark === now.ledgerMark && !before.value.eq(now.value)) return decided(tx, rerating, before, at);
  await withdraw(tx, rerating, at);
  if (isSame) return null;
  return `${LATE}; rated by version ${RATING_VERSION} of the rating code, and by ${before.ratingVersion} before`;
}

interface Decision {
  state: 'ACCEPTED' | 'REFUSED' | 'OPEN';
  new_value: string;
  reason: string | null;
}

/** What a person said to this very difference; it is reported when nobody was asked yet. */
async function decided(tx: EntityManager, rerating: Rerating, before: StoredRating, at: Date): Promise<string | null> {
  const found = await tx.query<Decision[]>(
    `select state, new_value, reason from rating_difference
      where billable_line_id = $1 and to_version = $2 and state <> 'WITHDRAWN'`,
    [before.id, RATING_VERSION],
  );
  const isOf = ({ new_value: value }: Decision): boolean => rerating.now.value.eq(value);
  const accepted = found.find((decision) => decision.state === 'ACCEPTED' && isOf(decision));
  if (accepted !== undefined) {
    const versions = `version ${RATING_VERSION} of the rating code instead of ${before.ratingVersion}`;
    return clip(`${versions}, accepted: ${accepted.reason}`, MAX_REASON_LENGTH);
  }
  const isKnown = found.some(
    (decision) => decision.state === 'REFUSED' || (decision.state === 'OPEN' && isOf(decision)),
  );
  if (!isKnown) await report(tx, rerating, before, at);
  return null;
}

async function report(tx: EntityManager, rerating: Rerating, before: StoredRating, at: Date): Promise<void> {
  await withdraw(tx, rerating, at);
  await tx.query(
    `insert into rating_difference (period_id, charge_id, bucket, billable_line_id, from_version, to_version, stored_value,
        new_value, found_at, state)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'OPEN')`,
    [
      rerating.periodId,
      rerating.chargeId,
      rerating.bucket,
      before.id,
      before.ratingVersion,
      RATING_VERSION,
      before.value.toFixed(),
      rerating.now.value.toFixed(),
      at,
    ],
  );
}

async function withdraw(tx: EntityManager, { periodId, chargeId, bucket }: Rerating, at: Date): Promise<void> {
  await tx.query(
    `update rating_difference set state = 'WITHDRAWN', decided_at = $4
      where period_id = $1 and charge_id = $2 and bucket = $3 and state = 'OPEN'`,
    [periodId, chargeId, bucket, at],
  );
}
