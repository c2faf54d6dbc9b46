/** The installation a command works on: the one the environment names, the one that runs here, or one started for the command. */
import type { Logger } from 'pino';
import type { Config } from '../config';
import type { ReadyConfig } from '../ctx';
import { migrate } from '../migrate';
import { prepareBareMachine } from './bare-machine';
import { runningDatabaseUrl } from './embedded-postgres';
import { readRunning } from './running';

export interface Instance {
  config: ReadyConfig;
  /** Ends what was started for the command; what ran before goes on. */
  stop(): Promise<void>;
}

/** Finds or starts the installation. A database that was started for the command is brought to the newest schema. */
export async function openInstance(config: Config, log: Logger): Promise<Instance> {
  const databaseUrl = config.databaseUrl ?? runningDatabaseUrl(config.dataDir);
  const odoo = config.odoo ?? readRunning(config.dataDir)?.sandbox ?? undefined;
  if (databaseUrl !== undefined && odoo !== undefined) {
    return { config: { ...config, databaseUrl, odoo }, stop: () => Promise.resolve() };
  }
  const machine = await prepareBareMachine(config, {
    log,
    onLost: (error) => log.fatal({ err: error }, 'database lost'),
  });
  await migrate(machine.config.databaseUrl);
  return { config: machine.config, stop: () => machine.stop() };
}
