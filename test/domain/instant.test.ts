import { printInstant, readInstant } from '../../src/domain/instant';

it('prints what it read, at once and remembered', () => {
  for (let time = 0; time < 2; time += 1) {
    const instant = readInstant('2026-03-01T00:30:00.5-05:00');
    expect(instant?.getTime()).toBe(Date.UTC(2026, 2, 1, 5, 30, 0, 500));
    expect(printInstant(new Date(Date.UTC(2026, 2, 1, 5, 30, 0, 500)))).toBe('2026-03-01T05:30:00.500Z');
  }
});

it('gives each reader a Date of its own', () => {
  readInstant('2026-03-01T00:00:00Z')?.setUTCFullYear(1999);
  expect(readInstant('2026-03-01T00:00:00Z')?.getTime()).toBe(Date.UTC(2026, 2, 1));
});

it('prints what a Date is now, whatever it was', () => {
  const instant = new Date(Date.UTC(2026, 2, 1));
  expect(printInstant(instant)).toBe('2026-03-01T00:00:00.000Z');
  instant.setUTCDate(2);
  expect(printInstant(instant)).toBe('2026-03-02T00:00:00.000Z');
});

it('refuses what it refused before', () => {
  for (let time = 0; time < 2; time += 1) expect(readInstant('2026-02-30T00:00:00Z')).toBeNull();
});

it('is right for more instants than it remembers', () => {
  const texts = Array.from({ length: 25_000 }, (_, n) => new Date(n * 61_001).toISOString());
  for (const text of [...texts, ...texts]) {
    const instant = readInstant(text);
    expect(instant?.getTime()).toBe(Date.parse(text));
    expect(printInstant(instant ?? new Date(Number.NaN))).toBe(text);
  }
});
