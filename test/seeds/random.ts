/** Choices that a seed makes: the same seed makes the same ones for ever, whatever else runs. */
export class Random {
  private state: number;

  constructor(seed: number) {
    // Neighbouring seeds must not begin alike.
    this.state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  }

  /** At least 0 and below 1: mulberry32. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('Nothing to pick from.');
    return list[this.int(0, list.length - 1)] as T;
  }

  /** Decimal text from 0 to `most`, with up to `places` digits after the point. */
  decimal(most: number, places: number): string {
    const scale = 10 ** this.int(0, places);
    return String(this.int(0, most * scale) / scale);
  }

  /** One of `list`, the heavier the likelier. */
  weighted<T extends { weight: number }>(list: readonly T[]): T {
    let left = this.next() * list.reduce((total, { weight }) => total + weight, 0);
    const chosen = list.find(({ weight }) => (left -= weight) < 0) ?? list.at(-1);
    if (chosen === undefined) throw new Error('Nothing to pick from.');
    return chosen;
  }
}
