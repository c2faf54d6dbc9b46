import { Field, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** Which of several charges rates a metric of a contract, and who decided it. Rows are only added; the newest one counts. */
@ObjectType({ description: 'A decision of which of several charges rates a metric of a contract.' })
@Entity('charge_pin')
export class ChargePin {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: string;

  @Column({ type: 'uuid' })
  contractId!: string;

  @Column({ type: 'uuid' })
  metricId!: string;

  /** Null: none is pinned any more. */
  @Column({ type: 'uuid', nullable: true })
  chargeId!: string | null;

  @Field(() => String, {
    description: 'Who decided: the id of a key, `env` (the key of the environment), `cli:<user>` or `job:<name>`.',
  })
  @Column({ type: 'text' })
  actor!: string;

  @Field(() => String, { description: 'Why.' })
  @Column({ type: 'text' })
  reason!: string;

  @Field(() => Date, { description: 'When it was decided.' })
  @Column({ type: 'timestamptz' })
  pinnedAt!: Date;
}
