/** A story whose App may die at any message of a step and is started again, and an observer who sees the whole world. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { type Opening, type SavedStory, Story } from '../support/story';
import type { Step } from '../scenarios/scenario';
import { type Death, die, type Life, live, OBSERVER, countFor } from './wire';
import { readWorld, type World } from './world';

const NOTICE_LIMIT_MS = 30_000;
const POLL_MS = 2;

/** A story between two moments, in a database of its own. */
export type KeptStory = Awaited<ReturnType<Story['save']>>;

export interface Stage {
  story: Story;
  /** Acts in peace; the messages that took. */
  act(step: Step): Promise<string[]>;
  /**
   * Acts with the process dying at a message, or at the very end when there are fewer. Gives the message, when the database
   * has noticed the death.
   */
  actUntil(step: Step, death: Death): Promise<string>;
  /** A new process in the place of the dead one. */
  revive(): Promise<void>;
  world(): Promise<World>;
  save(): Promise<KeptStory>;
  /** Removes it all, whatever state it is in. */
  discard(): Promise<void>;
}

export async function openStage(opening: Opening): Promise<Stage> {
  // The driver's own time-out would wake up who is dead.
  return stageOf(await Story.open({ ...opening, config: { ...opening.config, statementTimeoutMs: 0 } }));
}

export async function resumeStage(kept: SavedStory): Promise<Stage> {
  return stageOf(await Story.resume(kept));
}

function stageOf(story: Story): Stage {
  const { test } = story;
  let observer: Client | undefined;
  const observing = async (): Promise<Client> => (observer ??= await observe(test.databaseUrl));
  const leave = async (): Promise<void> => {
    await observer?.end();
    observer = undefined;
  };
  return {
    story,
    async act(step) {
      const life: Life = { sent: [] };
      await live(life, () => step.act(story)).finally(() => countFor());
      return life.sent;
    },
    async actUntil(step, death) {
      const life: Life = { sent: [], death };
      const died = new Promise<void>((resolve) => {
        life.onDeath = resolve;
      });
      await Promise.race([died, live(life, () => step.act(story))]);
      die(life, 'when all was sent');
      test.abandon();
      await untilAlone(await observing());
      return life.diedAt ?? '';
    },
    async revive() {
      countFor();
      await story.restartApp();
    },
    world: async () => readWorld(await observing(), await test.sandbox.control.saveState()),
    async save() {
      // A database with an observer cannot be copied.
      await leave();
      return story.save();
    },
    async discard() {
      countFor();
      await leave();
      await test.discard();
    },
  };
}

async function observe(url: string): Promise<Client> {
  const observer = new Client({ connectionString: url, application_name: OBSERVER });
  await observer.connect();
  return observer;
}

/** Returns when the server has ended all sessions of the dead process: what they held and had not committed is undone. */
async function untilAlone(observer: Client): Promise<void> {
  for (const deadline = performance.now() + NOTICE_LIMIT_MS; performance.now() < deadline; await sleep(POLL_MS)) {
    const { rowCount } = await observer.query(
      `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
        and backend_type = 'client backend'`,
    );
    if (rowCount === 0) return;
  }
  throw new Error('Sessions of the dead process are still there.');
}
