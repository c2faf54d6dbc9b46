import { Field, ID, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { JsonObject } from './columns';

/** Who changed what, and when. Written in the transaction of the change and kept for ever. */
@ObjectType({ description: 'Who changed what, and when. Written together with the change, and kept for ever.' })
@Entity('audit_entry')
export class AuditEntry {
  /** bigint, so a string. */
  @Field(() => ID, { description: 'Opaque id.' })
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: string;

  @Field(() => Date, { description: 'When the change was made.' })
  @Column({ type: 'timestamptz' })
  at!: Date;

  @Field(() => String, {
    description: 'Who made it: the id of a key, `env` (the key of the environment), `cli:<user>` or `job:<name>`.',
  })
  @Column({ type: 'text' })
  actor!: string;

  @Field(() => String, { description: 'What happened: "metric.created", "service.stage_changed".' })
  @Column({ type: 'text' })
  action!: string;

  @Field(() => String, { description: 'Kind of the thing that changed: "metric".' })
  @Column({ type: 'text' })
  subjectType!: string;

  @Field(() => ID, { description: 'Id of the thing that changed.' })
  @Column({ type: 'text' })
  subjectId!: string;

  @Column({ type: 'uuid', nullable: true })
  serviceId!: string | null;

  @Field(() => JsonObject, { description: 'What the change consisted of; never a secret.' })
  @Column({ type: 'jsonb', default: {} })
  details!: Record<string, unknown>;
}
