import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Decimal } from '../domain/decimal';
import type { Problem } from '../domain/errors';
import { decimalColumn } from './columns';

/** How one attempt ended; null while it is under way, or when the process died in it. */
export type AttemptOutcome = 'WRITTEN' | 'UNCHANGED' | 'RESTORED' | 'REFUSED' | 'UNKNOWN' | 'NOT_SENT';

const AttemptOutcomes = {
  WRITTEN: 'WRITTEN',
  UNCHANGED: 'UNCHANGED',
  RESTORED: 'RESTORED',
  REFUSED: 'REFUSED',
  UNKNOWN: 'UNKNOWN',
  NOT_SENT: 'NOT_SENT',
} as const satisfies { [K in AttemptOutcome]: K };
registerEnumType(AttemptOutcomes, {
  name: 'AttemptOutcome',
  description: 'How one attempt at a write-back ended.',
  valuesConfig: {
    WRITTEN: { description: 'Odoo took the quantity and read it back.' },
    UNCHANGED: { description: 'The slot was read and held the quantity already; nothing was sent.' },
    RESTORED: { description: 'The slot was set back to 0, because it had moved on to another period meanwhile.' },
    REFUSED: { description: 'Odoo refused; nothing changed there.' },
    UNKNOWN: { description: 'Sent, and no answer came; the slot is read before anything is sent again.' },
    NOT_SENT: { description: 'It never reached Odoo.' },
  },
});

/** One attempt at a write-back, stored before the call and completed after it. */
@ObjectType({ description: 'One attempt at a write-back: stored before the call, and completed after it.' })
@Entity('write_back_attempt')
export class WriteBackAttempt {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  writeBackId!: string;

  @Field(() => Decimal, { description: 'The delivered quantity that was, or would have been, sent.' })
  @Column(decimalColumn())
  value!: Decimal;

  @Field(() => Date, { description: 'When it began.' })
  @Column({ type: 'timestamptz' })
  startedAt!: Date;

  @Field(() => Date, {
    nullable: true,
    description: 'When it ended; null while it is under way, or when the process died in it.',
  })
  @Column({ type: 'timestamptz', nullable: true })
  finishedAt!: Date | null;

  @Field(() => AttemptOutcomes, { nullable: true, description: 'How it ended; null exactly while `finishedAt` is.' })
  @Column({ type: 'text', nullable: true })
  outcome!: AttemptOutcome | null;

  @Column({ type: 'jsonb', nullable: true })
  observed!: Record<string, unknown> | null;

  @Column({ type: 'jsonb', nullable: true })
  problem!: Problem | null;
}
