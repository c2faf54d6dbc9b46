/** Working on one item while the next one is got ready. */

/**
 * The same items; each is asked for while the one before it is worked on. A failure is met in its turn, after what came
 * before it. Whoever leaves early gets away only once the item that was asked for is there, so that nothing goes on behind
 * the caller's back.
 */
export async function* oneAhead<T>(items: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  let coming = items.next();
  try {
    for (;;) {
      const item = await coming;
      if (item.done === true) return;
      coming = items.next();
      coming.catch(() => undefined);
      yield item.value;
    }
  } finally {
    await coming.catch(() => undefined);
    await items.return();
  }
}
