import { Field, ID, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A hole in the usage of a metric that a person let go: its time needs no records any more. Never edited. */
@ObjectType({
  description:
    'A hole in the usage of a metric that a person let go: in its time nothing is missing any more, in no series of the contract.',
})
@Entity('gap_waiver')
export class GapWaiver {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  periodId!: string;

  @Column({ type: 'uuid' })
  metricId!: string;

  @Field(() => Date, { name: 'from', description: 'First instant that is let go.' })
  @Column({ type: 'timestamptz' })
  startsAt!: Date;

  @Field(() => Date, { name: 'to', description: 'First instant after it.' })
  @Column({ type: 'timestamptz' })
  endsAt!: Date;

  @Field(() => String, {
    nullable: true,
    description: 'Who decided it, as the caller said; null when nobody was named.',
  })
  @Column({ type: 'text', nullable: true })
  name!: string | null;

  @Field(() => String, { description: 'Why.' })
  @Column({ type: 'text' })
  reason!: string;

  @Field(() => String, { description: 'Who did it, as in the log: the id of a key, `cli:` and a user, or `env`.' })
  @Column({ type: 'text' })
  actor!: string;

  @Field(() => Date, { description: 'When it was done.' })
  @Column({ type: 'timestamptz' })
  createdAt!: Date;
}
