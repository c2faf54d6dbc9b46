import { Field, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** The contract a record found after it was recorded. Rows are only added; the newest one of a record counts. */
@ObjectType({
  description: 'The contract that a record was given after it was recorded. The newest one of a record counts.',
})
@Entity('usage_assignment')
export class UsageAssignment {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: string;

  /** Of the database, in which the assignment was made. */
  @Column({ type: 'bigint', default: () => 'ledger_transaction()' })
  transaction!: string;

  @Column({ type: 'bigint' })
  recordId!: string;

  @Column({ type: 'uuid' })
  contractId!: string;

  @Field(() => Date, { description: 'When.' })
  @Column({ type: 'timestamptz' })
  assignedAt!: Date;

  @Field(() => String, { description: 'Who: a job (`job:<name>`), the id of a key, `env` or `cli:<user>`.' })
  @Column({ type: 'text' })
  actor!: string;

  @Field(() => String, { description: 'Why.' })
  @Column({ type: 'text' })
  reason!: string;

  /** Whether the record counts in a period of the contract that had closed by then. */
  @Field(() => Boolean, { description: 'The period in which the record counts had closed by then.' })
  @Column({ type: 'boolean' })
  late!: boolean;
}
