import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Decimal } from '../domain/decimal';
import type { Problem } from '../domain/errors';
import { decimalColumn } from './columns';

/** How one attempt ended; null while it is under way, or when the process died in it. */
export type AttemptOutcome = 'WRITTEN' | 'UNCHANGED' | 'RESTORED' | 'REFUSED' | 'UNKNOWN' | 'NOT_SENT';

/** One attempt at a write-back, stored before the call and completed after it. */
@Entity('write_back_attempt')
export class WriteBackAttempt {
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  writeBackId!: string;

  @Column(decimalColumn())
  value!: Decimal;

  @Column({ type: 'timestamptz' })
  startedAt!: Date;

  @Column({ type: 'timestamptz', nullable: true })
  finishedAt!: Date | null;

  @Column({ type: 'text', nullable: true })
  outcome!: AttemptOutcome | null;

  @Column({ type: 'jsonb', nullable: true })
  observed!: Record<string, unknown> | null;

  @Column({ type: 'jsonb', nullable: true })
  problem!: Problem | null;
}
