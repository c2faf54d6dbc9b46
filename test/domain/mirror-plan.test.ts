import fc from 'fast-check';
import { type MirrorPlan, type MirrorRow, planGone, planMirror, type StoredRow } from '../../src/domain/mirror-plan';

const row = (odooId: number, name = 'a', ids: number[] = []): MirrorRow => ({
  odoo_id: odooId,
  write_date: '2026-03-01T05:00:00Z',
  name,
  ids,
});
const stored = (one: MirrorRow, gone = false): StoredRow => ({ row: one, gone });

it('what is new is inserted, what differs is updated, the rest is unchanged', () => {
  const plan = planMirror([stored(row(1)), stored(row(2))], [row(3), row(2, 'b'), row(1)]);
  expect(plan.insert).toEqual([row(3)]);
  expect(plan.update).toEqual([{ stored: stored(row(2)), row: row(2, 'b') }]);
  expect(plan.unchanged).toEqual([row(1)]);
  expect(plan.gone).toEqual([]);
});

it('lists of ids are compared by their content', () => {
  expect(planMirror([stored(row(1, 'a', [4, 5]))], [row(1, 'a', [4, 5])]).unchanged).toHaveLength(1);
  expect(planMirror([stored(row(1, 'a', [4, 5]))], [row(1, 'a', [4])]).update).toHaveLength(1);
  expect(planMirror([stored(row(1, 'a', [4]))], [row(1, 'a', [4, 5])]).update).toHaveLength(1);
  expect(planMirror([stored(row(1, 'a', [4, 5]))], [row(1, 'a', [5, 4])]).update).toHaveLength(1);
});

it('an empty list differs from none', () => {
  const none = { ...row(1), ids: null };
  expect(planMirror([stored(none)], [row(1)]).update).toHaveLength(1);
  expect(planMirror([stored(row(1))], [none]).update).toHaveLength(1);
  expect(planMirror([stored(none)], [none]).unchanged).toHaveLength(1);
});

it('the plan is in ascending order of ids, and of two rows with one id the last counts', () => {
  const ids = (rows: MirrorRow[]): number[] => rows.map((one) => one.odoo_id);
  const plan = planMirror([stored(row(9)), stored(row(8))], [row(9), row(30), row(8), row(4), row(7)]);
  expect([ids(plan.insert), ids(plan.unchanged)]).toEqual([
    [4, 7, 30],
    [8, 9],
  ]);
  expect(planMirror([], [row(1, 'a'), row(1, 'b')]).insert).toEqual([row(1, 'b')]);
});

it('a row that was gone and is shown again is updated though nothing differs', () => {
  expect(planMirror([stored(row(1), true)], [row(1)]).update).toHaveLength(1);
});

it('only a complete list says what is gone, and what is gone stays so in silence', () => {
  const held = [stored(row(1)), stored(row(2)), stored(row(3), true)];
  expect(planMirror(held, [row(1)]).gone).toEqual([]);
  expect(planMirror(held, [row(1)], { complete: true }).gone).toEqual([2]);
  expect(planGone([5, 1, 3], new Set([1]))).toEqual([3, 5]);
});

function apply(held: readonly StoredRow[], plan: MirrorPlan): StoredRow[] {
  const rows = new Map(held.map((one) => [one.row.odoo_id, one]));
  for (const one of plan.insert) rows.set(one.odoo_id, stored(one));
  for (const { row: one } of plan.update) rows.set(one.odoo_id, stored(one));
  for (const id of plan.gone) rows.set(id, { ...(rows.get(id) as StoredRow), gone: true });
  return [...rows.values()];
}

it('a plan that was applied leaves nothing to do, whatever is stored and shown', () => {
  const rows = fc.uniqueArray(
    fc
      .record({ id: fc.integer({ min: 1, max: 12 }), name: fc.constantFrom('a', 'b'), ids: fc.subarray([1, 2, 3]) })
      .map(({ id, name, ids }) => row(id, name, ids)),
    { selector: (one) => one.odoo_id },
  );
  const held = rows.chain((all) => fc.tuple(...all.map((one) => fc.boolean().map((gone) => stored(one, gone)))));
  fc.assert(
    fc.property(held, rows, fc.boolean(), (before, shown, complete) => {
      const after = apply(before, planMirror(before, shown, { complete }));
      const again = planMirror(after, shown, { complete });
      expect([again.insert, again.update, again.gone]).toEqual([[], [], []]);
      const live = after.filter((one) => !one.gone).map((one) => one.row);
      if (complete)
        expect(live.sort((a, b) => a.odoo_id - b.odoo_id)).toEqual([...shown].sort((a, b) => a.odoo_id - b.odoo_id));
    }),
  );
});
