import { setTimeout as sleep } from 'node:timers/promises';
import { takeDown } from '../../src/boot/take-down';

function recorder(): {
  ended: string[];
  part: (name: string, stop?: () => Promise<void>) => { name: string; stop: () => Promise<void> };
} {
  const ended: string[] = [];
  return {
    ended,
    part: (name, stop = (): Promise<void> => sleep(5)) => ({
      name,
      stop: async (): Promise<void> => {
        await stop();
        ended.push(name);
      },
    }),
  };
}

describe('taking the process down', () => {
  test('each part ends before the one that was started before it is touched', async () => {
    const { ended, part } = recorder();
    expect(await takeDown([part('database'), part('connections'), part('worker'), part('server')], undefined)).toBe(
      true,
    );
    expect(ended).toEqual(['server', 'worker', 'connections', 'database']);
  });

  test('a part that fails does not keep the others up, and is told', async () => {
    const { ended, part } = recorder();
    const fails = part('server', () => Promise.reject(new Error('no')));
    expect(await takeDown([part('database'), fails], undefined)).toBe(false);
    expect(ended).toEqual(['database']);
  });

  test('a part that hangs is left after its time', async () => {
    const { ended, part } = recorder();
    const hangs = part('worker', () => new Promise<void>(() => undefined));
    expect(await takeDown([part('database'), hangs], undefined, 50)).toBe(false);
    expect(ended).toEqual(['database']);
  });
});

test('a part that knows its own limit is given that time', async () => {
  const slow = { name: 'database', stop: () => sleep(60), limitMs: 5_000 };
  expect(await takeDown([slow], undefined, 10)).toBe(true);
  expect(await takeDown([{ name: slow.name, stop: slow.stop }], undefined, 10)).toBe(false);
});
