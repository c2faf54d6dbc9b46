import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { SCOPES, type Scope } from '../domain/scope';

registerEnumType(SCOPES, {
  name: 'Scope',
  description: 'What a key may do; none includes another. Written `usage:write` in the command line and the logs.',
  valuesConfig: {
    USAGE_WRITE: { description: 'Record and void usage.' },
    USAGE_READ: { description: 'Read usage records and their totals.' },
    CATALOG_READ: { description: 'Read services, account links, metrics, charges, and what is mirrored from Odoo.' },
    CATALOG_WRITE: { description: 'Make account links, metrics and charges.' },
    BILLING_READ: { description: 'Read contracts, periods, rated lines, balances, write-backs and identities.' },
    BILLING_RUN: { description: 'Start what otherwise runs by itself: synchronise, close, confirm, retry.' },
    ADMIN: { description: "Keys, stages and the audit log: of the key's own service, or of all." },
  },
});

/** Who may call the API. The secret itself is kept nowhere, only its SHA-256. */
@ObjectType({ description: 'Who may call the API. The secret is shown once, when the key is made.' })
@Entity('api_key')
export class ApiKey {
  @Field(() => ID, { description: 'Our opaque id, and the name of the key in audit entries.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid', nullable: true })
  serviceId!: string | null;

  @Field(() => String, { description: 'For people, 1 to 200 characters; need not be unique.' })
  @Column({ type: 'text' })
  name!: string;

  @Field(() => String, { description: 'First characters of the secret, to tell keys apart.' })
  @Column({ type: 'text' })
  prefix!: string;

  @Column({ type: 'text' })
  secretHash!: string;

  @Field(() => [SCOPES], { description: 'What it may do.' })
  @Column({ type: 'text', array: true })
  scopes!: Scope[];

  @Field(() => Date, { description: 'When it was made.' })
  @Column({ type: 'timestamptz' })
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'From this instant on it is refused; null: it does not expire.' })
  @Column({ type: 'timestamptz', nullable: true })
  expiresAt!: Date | null;

  @Field(() => Date, { nullable: true, description: 'When it was last used; written at most once a minute.' })
  @Column({ type: 'timestamptz', nullable: true })
  lastUsedAt!: Date | null;

  @Field(() => Date, {
    nullable: true,
    description: 'Since when it is refused for good; null while it is not revoked.',
  })
  @Column({ type: 'timestamptz', nullable: true })
  revokedAt!: Date | null;
}
