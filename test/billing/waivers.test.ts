/** Waivers: what a person lets go is not billed, once, with a name and a reason; and no more of it than is due. */
import { Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };
const UNKNOWN = '00000000-0000-7000-8000-000000000000';
const WAIVE = `mutation ($i: WaiveBalanceInput!) { waiveBalance(input: $i) { isDuplicate entry {
  id kind value reason actor product { odooId } period { startOn } counterpart { id } idempotencyKey } } }`;

async function waiver(value: string, more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  return { contractId: await story.contractId(), productOdooId: story.product(1), value, reason: 'goodwill', ...more };
}

async function waive(
  value: string,
  more: Record<string, unknown> = {},
): Promise<{ isDuplicate: boolean; entry: { id: string } }> {
  return (await story.run(WAIVE, await waiver(value, more))).waiveBalance;
}

async function refused(value: string, more: Record<string, unknown> = {}): Promise<unknown> {
  const { errors } = await story.test.gql(story.test.adminKey, WAIVE, { i: await waiver(value, more) });
  const { code, field, details } = errors?.[0]?.extensions ?? { code: 'none' };
  const refusal = [code, field, errors?.[0]?.message];
  return details === undefined || details === null ? refusal : [...refusal, details];
}

async function figures(): Promise<Record<string, string>> {
  const query = '{ identities { holds money { truth billed waived settled passed balance difference } } }';
  const { identities } = await story.run(query);
  expect(identities.holds).toBe(true);
  return identities.money[0];
}

/** March is invoiced with 100 calls, and 7 more came late. */
async function sevenDue(opening: Partial<Parameters<typeof Story.open>[0]> = {}): Promise<void> {
  story = await Story.open({ ...MARCH, ...opening });
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-04-01T02:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  await story.test.clock.set(new Date('2026-04-05T10:00:00Z'));
  await story.use(7, '2026-03-31T10:00:00Z');
  await story.minute();
}

it('what is let go is missing in the next target, and the identity of money counts it', async () => {
  await sevenDue();
  const { entry, isDuplicate } = await waive('3');
  expect(isDuplicate).toBe(false);
  expect(entry).toMatchObject({
    kind: 'WAIVED',
    value: '3',
    reason: 'goodwill',
    actor: 'env',
    product: { odooId: story.product(1) },
    period: { startOn: '2026-04-01' },
    counterpart: null,
    idempotencyKey: null,
  });
  expect(await story.balance()).toMatchObject({ truth: '107', billed: '100', due: '4', target: '4' });
  await story.usedBy('2026-04-20T10:00:00Z', 20);
  await story.at('2026-05-01T02:00:00Z');
  expect(await story.slot()).toBe(24);
  await story.at('2026-05-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100, 24]);
  expect(await figures()).toMatchObject({ truth: '127', billed: '124', waived: '3', balance: '0', difference: '0' });
  const query = `query ($i: AuditEntryFilter!) { auditEntries(filter: $i) { nodes { actor subjectType subjectId details } } }`;
  expect((await story.run(query, { action: 'balance.waived' })).auditEntries.nodes).toEqual([
    {
      actor: 'env',
      subjectType: 'balance_entry',
      subjectId: entry.id,
      details: {
        contractId: await story.contractId(),
        productOdooId: story.product(1),
        value: '3',
        due: '7',
        reason: 'goodwill',
      },
    },
  ]);
});

it('while the quantity stands in the slot, the slot is set to what is left', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-04-01T02:00:00Z');
  await waive('40.5');
  await story.minute();
  expect(await story.writes()).toEqual([100, 59.5]);
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([59.5]);
  expect(await story.balance()).toMatchObject({ due: '0' });
});

it('less than nothing, nothing, or more than is due is refused, and so is what nobody gave a reason for', async () => {
  await sevenDue();
  for (const value of ['7.01', '-1', '0'])
    expect(await refused(value)).toEqual([
      'VALIDATION_FAILED',
      'value',
      '7 is due: value must be that, or something between 0 and that.',
      { due: '7' },
    ]);
  expect(await refused('seven')).toEqual([
    'VALIDATION_FAILED',
    'value',
    'value must be a decimal of at most 30 digits, 12 of them after the point, without an exponent, not "seven".',
  ]);
  expect(await refused('1', { reason: ' ' })).toEqual(['VALIDATION_FAILED', 'reason', 'reason must say why.']);
  expect(await refused('1', { reason: 'x'.repeat(501) })).toEqual([
    'VALIDATION_FAILED',
    'reason',
    expect.stringContaining('1 to 500'),
  ]);
  expect(await refused('1', { idempotencyKey: '' })).toEqual([
    'VALIDATION_FAILED',
    'idempotencyKey',
    expect.stringContaining('1 to 200'),
  ]);
  expect(await refused('1', { contractId: UNKNOWN })).toEqual(['NOT_FOUND', 'contractId', 'No such contract.']);
  expect(await refused('1', { productOdooId: story.product(0) })).toEqual([
    'NOT_FOUND',
    'productOdooId',
    'No such product.',
  ]);
  expect((await story.run('{ balanceEntries { nodes { id } } }')).balanceEntries.nodes).toEqual([]);
  await waive('7');
  expect(await refused('0.01')).toEqual([
    'VALIDATION_FAILED',
    'value',
    'Nothing is due on the product: there is nothing to waive.',
    { due: '0' },
  ]);
});

it('one key is one waiver, be it sent ten times at once or when nothing is due any more', async () => {
  await sevenDue();
  const idempotencyKey = 'ticket 4711';
  const answers = await Promise.all(Array.from({ length: 10 }, () => waive('7.00', { idempotencyKey })));
  expect(answers.filter(({ isDuplicate }) => !isDuplicate)).toHaveLength(1);
  expect(new Set(answers.map(({ entry }) => entry.id)).size).toBe(1);
  expect(await waive('7', { idempotencyKey })).toMatchObject({ isDuplicate: true, entry: { value: '7' } });
  expect(await refused('6', { idempotencyKey })).toEqual([
    'IDEMPOTENCY_CONFLICT',
    'value',
    'The idempotency key was used with another value.',
    { recorded: '7', sent: '6' },
  ]);
  expect(await refused('7', { idempotencyKey, reason: 'another' })).toEqual([
    'IDEMPOTENCY_CONFLICT',
    'reason',
    'The idempotency key was used with another reason.',
    { recorded: 'goodwill', sent: 'another' },
  ]);
  expect(await figures()).toMatchObject({ waived: '7', balance: '0' });
});

it('what was billed too much, and a person gave back in Odoo, is waived below zero', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  const key = await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-04-01T02:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  await story.void(key);
  await story.minute();
  expect(await story.balance()).toMatchObject({ due: '-100', target: '0' });
  expect(await refused('1')).toEqual([
    'VALIDATION_FAILED',
    'value',
    '-100 is due: value must be that, or something between 0 and that.',
    { due: '-100' },
  ]);
  expect(await refused('-100.01')).toEqual([
    'VALIDATION_FAILED',
    'value',
    '-100 is due: value must be that, or something between 0 and that.',
    { due: '-100' },
  ]);
  await waive('-60', { reason: 'credit note RINV/7 in Odoo' });
  expect(await figures()).toMatchObject({ truth: '0', billed: '100', waived: '-60', balance: '-40' });
  await story.usedBy('2026-04-20T10:00:00Z', 50);
  await story.at('2026-05-01T02:00:00Z');
  expect(await story.slot()).toBe(10);
});

it('money is let go by the cent', async () => {
  story = await Story.open({
    ...MARCH,
    lines: [
      { code: 'BASE', name: 'Base fee', price: 20, policy: 'order' },
      { code: 'CALLS', name: 'Calls', price: 1 },
    ],
  });
  await story.begin({ mode: 'AMOUNT', unitPrice: '0.5' });
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-04-01T02:00:00Z');
  expect(await refused('0.005')).toEqual([
    'VALIDATION_FAILED',
    'value',
    'value must be money with at most 2 digits after the point.',
  ]);
  await waive('0.01');
  await story.minute();
  expect(await story.slot()).toBe(49.99);
});
