import { oneAhead } from '../../src/services/one-ahead';

async function* items(told: string[], count: number, failsAt?: number): AsyncGenerator<number, void> {
  try {
    for (let item = 1; item <= count; item += 1) {
      told.push(`begins ${item}`);
      await new Promise(setImmediate);
      if (item === failsAt) throw new Error(`no ${item}`);
      told.push(`has ${item}`);
      yield item;
    }
  } finally {
    told.push('ends');
  }
}

async function workOff(told: string[], given: AsyncGenerator<number>, failsAt?: number): Promise<void> {
  for await (const item of given) {
    told.push(`works on ${item}`);
    if (item === failsAt) throw new Error(`broke at ${item}`);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    told.push(`done ${item}`);
  }
}

describe('oneAhead', () => {
  it('gets the next item ready while one is worked on, and not the one after it', async () => {
    const told: string[] = [];
    await workOff(told, oneAhead(items(told, 3)));
    expect(told.filter((event) => /begins|done/.test(event))).toEqual([
      'begins 1',
      'begins 2',
      'done 1',
      'begins 3',
      'done 2',
      'done 3',
    ]);
  });

  it('meets a failure after what came before it', async () => {
    const told: string[] = [];
    await expect(workOff(told, oneAhead(items(told, 3, 2)))).rejects.toThrow('no 2');
    expect(told.slice(-1)).toEqual(['done 1']);
  });

  it('lets go only once the item that was asked for is there, and asks for no other', async () => {
    const told: string[] = [];
    await expect(workOff(told, oneAhead(items(told, 5)), 1)).rejects.toThrow('broke at 1');
    expect(told.slice(-3)).toEqual(['works on 1', 'has 2', 'ends']);
  });
});
