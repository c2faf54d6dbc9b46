import { BoundedMap } from '../../src/domain/bounded-map';

function filled(): BoundedMap<number, string> {
  const map = new BoundedMap<number, string>();
  for (let key = 0; key < 10_000; key += 1) map.set(key, `${key}`);
  return map;
}

it('keeps 10,000 entries', () => {
  const map = filled();
  expect([map.size, map.get(0), map.get(9_999)]).toEqual([10_000, '0', '9999']);
});

it('forgets all of them for the next new key', () => {
  const map = filled().set(10_000, 'new');
  expect([...map]).toEqual([[10_000, 'new']]);
});

it('forgets none when a key that it has gets another value', () => {
  const map = filled().set(5, 'other');
  expect([map.size, map.get(5), map.get(6)]).toEqual([10_000, 'other', '6']);
});
