import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { MirrorModel } from './sync-run';

/** How far the mirror of one model has read, by Odoo's clock. */
@Entity('sync_state')
export class SyncState {
  @PrimaryColumn({ type: 'text' })
  model!: MirrorModel;

  /** When the last complete walk began: the next one starts an overlap before it. */
  @Column({ type: 'timestamptz', nullable: true })
  readUntil!: Date | null;

  /** Every row of the model equals Odoo as of this instant, or a later one. */
  @Column({ type: 'timestamptz', nullable: true })
  asOf!: Date | null;

  @Column({ type: 'timestamptz', nullable: true })
  lastFullAt!: Date | null;

  /** The newest instant given to rows of the model: ahead of `asOf` while a walk runs or a record is set aside. */
  @Column({ type: 'timestamptz', nullable: true })
  issuedAsOf!: Date | null;

  /** The walk under way: when it began, the last id read, and whether it reads everything. Null between walks. */
  @Column({ type: 'timestamptz', nullable: true })
  walkStartedAt!: Date | null;

  @Column({ type: 'integer', nullable: true })
  walkAfterId!: number | null;

  @Column({ type: 'boolean', nullable: true })
  walkFull!: boolean | null;
}
