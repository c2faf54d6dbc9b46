/** A memory for what is dear to find and found again and again. */

/** Beyond it all is forgotten, which costs nothing but finding it again. */
const MAX_ENTRIES = 10_000;

/** A map of at most 10,000 entries: one that is full is emptied by the next new key. */
export class BoundedMap<K, V> extends Map<K, V> {
  override set(key: K, value: V): this {
    if (this.size >= MAX_ENTRIES && !this.has(key)) this.clear();
    return super.set(key, value);
  }
}
