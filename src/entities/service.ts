import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';

export enum ServiceStage {
  SHADOW = 'SHADOW',
  DUAL_RUN = 'DUAL_RUN',
  LIVE = 'LIVE',
}
registerEnumType(ServiceStage, {
  name: 'ServiceStage',
  description: 'How far a service has moved to Odoo.',
  valuesConfig: {
    SHADOW: { description: 'Usage is recorded and rated; nothing is written to Odoo.' },
    DUAL_RUN: { description: 'As SHADOW, while Lago still bills and both sides are compared.' },
    LIVE: { description: 'Odoo bills: quantities are written to its subscription lines.' },
  },
});

/** An internal product that bills through us; owns metrics, charges, links and keys. */
@ObjectType({
  description: 'An internal product that bills through us; it owns metrics, charges, account links and keys.',
})
@Entity('service')
export class Service {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Field(() => String, {
    description: 'Unique, never changed: 1 to 63 lower-case letters, digits, - and _, a letter or digit first.',
  })
  @Column({ type: 'text' })
  code!: string;

  @Field(() => String, { description: 'For people, 1 to 200 characters.' })
  @Column({ type: 'text' })
  name!: string;

  @Field(() => ServiceStage, { description: 'How far it has moved to Odoo.' })
  @Column({ type: 'text', default: 'SHADOW' })
  stage!: ServiceStage;

  /** Rises with every change the catalogue caches must see; bigint, so a string. */
  @Column({ type: 'bigint', default: 1 })
  catalogVersion!: string;

  @Field(() => Date, { description: 'When it was made.' })
  @Column({ type: 'timestamptz' })
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'Since when it is out of use; null while in use.' })
  @Column({ type: 'timestamptz', nullable: true })
  archivedAt!: Date | null;
}
