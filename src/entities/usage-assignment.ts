import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** The contract a record found after it was recorded. Rows are only added; the newest one of a record counts. */
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

  @Column({ type: 'timestamptz' })
  assignedAt!: Date;

  @Column({ type: 'text' })
  actor!: string;

  @Column({ type: 'text' })
  reason!: string;

  /** Whether the record counts in a period of the contract that had closed by then. */
  @Column({ type: 'boolean' })
  late!: boolean;
}
