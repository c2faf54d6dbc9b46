/** Processes beside the run: what makes load, or is measured, never shares a process with anything else. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const ROOT = path.join(__dirname, '..');
const HOOKS = ['reflect-metadata', './test/support/register.cjs'].flatMap((hook) => ['-r', hook]);

export interface Child<Order, Result> {
  pid: number;
  /** One at a time. @throws Error with what went wrong over there. */
  ask(order: Order): Promise<Result>;
  stop(): Promise<void>;
}

type Answer<Result> = { result: Result } | { error: string };

/** Starts `bench/processes/<name>.ts`, which answers by `answerOrders`. */
export function startChild<Order extends object, Result>(name: string): Child<Order, Result> {
  const child = fork(path.join(ROOT, 'bench', 'processes', `${name}.ts`), { cwd: ROOT, execArgv: HOOKS });
  return {
    pid: child.pid ?? 0,
    async ask(order) {
      const ended = new AbortController();
      const onExit = (code: number | null): void => ended.abort(new Error(`${name} ended with ${code}.`));
      child.once('exit', onExit);
      try {
        child.send(order);
        const [answer] = (await once(child, 'message', { signal: ended.signal })) as [Answer<Result>];
        if ('error' in answer) throw new Error(`${name}: ${answer.error}`);
        return answer.result;
      } finally {
        child.off('exit', onExit);
      }
    },
    async stop() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

/** In the process itself: does `work` for each order and ends when nobody is there to give any. */
export function answerOrders<Order, Result>(work: (order: Order) => Promise<Result>): void {
  process.on('message', (order) => {
    work(order as Order).then(
      (result) => process.send?.({ result }),
      (error: unknown) =>
        process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
}

/** How long one round took, and what it cost the process that made it. */
export interface Spent {
  seconds: number;
  /** CPU seconds of this process, all its threads. */
  cpuSeconds: number;
}

/** Hands `items` out to `takers`, each of which takes the next one when it is done with the one before. */
export async function timed<T>(items: readonly T[], takers: readonly ((item: T) => Promise<void>)[]): Promise<Spent> {
  const queue = items.values();
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await Promise.all(
    takers.map(async (take) => {
      for (const item of queue) await take(item);
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { seconds, cpuSeconds: (user + system) / 1_000_000 };
}
