import { Field, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** Which of several lines carries a product of a contract, and who decided it. Rows are only added; the newest one counts. */
@ObjectType({ description: 'A decision of which of several lines of an order carries what is due on a product.' })
@Entity('line_pin')
export class LinePin {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: string;

  @Column({ type: 'uuid' })
  contractId!: string;

  @Column({ type: 'uuid' })
  productId!: string;

  /** Null: none is pinned any more. */
  @Column({ type: 'uuid', nullable: true })
  subscriptionLineId!: string | null;

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
