/** The mutations of billing: each code, each field, each audit entry, and that doing a thing twice does it once. */
import { Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };
const UNKNOWN = '00000000-0000-7000-8000-000000000000';
const CLOSE = `mutation ($i: ClosePeriodInput!) { closePeriod(input: $i) { period { state } lines { units value charge { metric { code } } } } }`;
const CONFIRM = `mutation ($i: ConfirmPeriodInput!) { confirmPeriod(input: $i) { period { startOn derived confirmedAt } } }`;
const RETRY = `mutation ($i: RetryWriteBackInput!) { retryWriteBack(input: $i) { writeBack { state } } }`;
const STAGE = `mutation ($i: SetServiceStageInput!) { setServiceStage(input: $i) { service { stage } } }`;

async function refused(query: string, input: Record<string, unknown>): Promise<unknown> {
  const answer = await story.test.gql(story.test.adminKey, query, { i: input });
  const [error] = answer.errors ?? [];
  return [error?.extensions.code, error?.extensions.field, error?.message];
}

async function audit(action: string): Promise<{ details: Record<string, unknown>; subjectId: string }[]> {
  const query =
    'query ($i: AuditEntryFilter!) { auditEntries(filter: $i) { nodes { details subjectId subjectType } } }';
  return (await story.run(query, { action })).auditEntries.nodes;
}

async function periodIds(): Promise<string[]> {
  return (await story.periods()).map((period) => period.id);
}

it('closePeriod: shown before its time, refused before its time, then done once with one audit entry', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  const [periodId] = await periodIds();
  const lines = [{ units: '100', value: '100', charge: { metric: { code: 'calls' } } }];
  const shown = await story.run(CLOSE, { periodId, dryRun: true });
  expect(shown.closePeriod).toEqual({ period: { state: 'OPEN' }, lines });
  expect((await story.periods())[0]?.lines).toEqual([]);
  expect(await refused(CLOSE, { periodId })).toEqual([
    'CONFLICT',
    'periodId',
    'The period closes at 2026-04-01T02:00:00.000Z, not before.',
  ]);
  await story.test.clock.set(new Date('2026-04-01T01:59:59Z'));
  expect(await refused(CLOSE, { periodId })).toEqual([
    'CONFLICT',
    'periodId',
    'The period closes at 2026-04-01T02:00:00.000Z, not before.',
  ]);
  await story.test.clock.set(new Date('2026-04-01T02:00:00Z'));
  const [closed, again] = await Promise.all([story.run(CLOSE, { periodId }), story.run(CLOSE, { periodId })]);
  const answers = [closed.closePeriod, again.closePeriod].sort((a, b) => b.lines.length - a.lines.length);
  expect(answers).toEqual([
    { period: { state: 'CLOSED' }, lines },
    { period: { state: 'CLOSED' }, lines: [] },
  ]);
  expect(await audit('billing_period.closed')).toEqual([
    {
      subjectType: 'billing_period',
      subjectId: periodId,
      details: expect.objectContaining({ startOn: '2026-03-01', endOn: '2026-04-01' }),
    },
  ]);
  expect(await periodIds()).toHaveLength(2);
  await story.minute();
  expect(await story.writes()).toEqual([100]);
});

it('closePeriod: an unknown period and one without an end are refused by name', async () => {
  story = await Story.open({ ...MARCH, nextInvoiceOn: '2026-03-01', runAt: '12:00' });
  await story.begin();
  const [periodId] = await periodIds();
  expect(await refused(CLOSE, { periodId })).toEqual([
    'CONFLICT',
    'periodId',
    'The end of the period is not known yet: Odoo has not named it.',
  ]);
  expect(await refused(CLOSE, { periodId: UNKNOWN })).toEqual(['NOT_FOUND', 'periodId', 'No such billing period.']);
  expect(await refused(CLOSE, { periodId: 'no id' })).toEqual(['NOT_FOUND', 'periodId', 'No such billing period.']);
  expect(await audit('billing_period.closed')).toEqual([]);
});

it('confirmPeriod: only a derived period, once, with a start before its end', async () => {
  story = await Story.open({ now: '2026-03-10T08:00:00Z', startOn: '2026-01-01', nextInvoiceOn: '2026-04-01' });
  await story.begin();
  const [id] = await periodIds();
  expect(await refused(CONFIRM, { id: UNKNOWN })).toEqual(['NOT_FOUND', 'id', 'No such billing period.']);
  expect(await refused(CONFIRM, { id, start: '2026-04-01' })).toEqual([
    'VALIDATION_FAILED',
    'start',
    'start must be before the end of the period, 2026-04-01.',
  ]);
  expect(await refused(CONFIRM, { id, start: '2026-02-30' })).toEqual([
    'VALIDATION_FAILED',
    'start',
    'start must be a day like "2026-03-01", not "2026-02-30".',
  ]);
  expect(await audit('billing_period.confirmed')).toEqual([]);
  const { confirmPeriod } = await story.run(CONFIRM, { id, start: '2026-03-05' });
  expect(confirmPeriod.period).toEqual({
    startOn: '2026-03-05',
    derived: true,
    confirmedAt: '2026-03-10T08:00:00.000Z',
  });
  expect(await refused(CONFIRM, { id })).toEqual(['CONFLICT', 'id', 'The period needs no confirmation.']);
  expect(await audit('billing_period.confirmed')).toEqual([
    {
      subjectType: 'billing_period',
      subjectId: id,
      details: expect.objectContaining({ derivedStart: '2026-03-01', start: '2026-03-05' }),
    },
  ]);
});

it('retryWriteBack: only a blocked one, and each retry leaves an audit entry', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  expect(await refused(RETRY, { id: UNKNOWN })).toEqual(['NOT_FOUND', 'id', 'No such write-back.']);
  const [empty] = await story.writeBacks();
  expect(empty).toMatchObject({ kind: 'EMPTY', state: 'WRITTEN' });
  expect(await refused(RETRY, { id: empty?.id })).toEqual([
    'CONFLICT',
    'id',
    'Only a blocked write-back can be retried; this one is WRITTEN.',
  ]);
  await story.failWrite('refused', { times: 2 });
  await story.at('2026-04-01T02:00:00Z');
  const [blocked] = await story.writeBacks();
  await story.run(RETRY, { id: blocked?.id });
  await story.minute();
  expect((await story.writeBacks())[0]).toMatchObject({ id: blocked?.id, state: 'BLOCKED', attempts: 2 });
  await story.run(RETRY, { id: blocked?.id });
  await story.minute();
  expect((await story.writeBacks())[0]).toMatchObject({ id: blocked?.id, state: 'WRITTEN', attempts: 3 });
  const entry = { subjectType: 'write_back', subjectId: blocked?.id };
  expect(await audit('write_back.retried')).toMatchObject([entry, entry]);
});

it('setServiceStage: a reason, a known service; the entry tells from, to and why; the same stage again is nothing', async () => {
  story = await Story.open(MARCH);
  await story.minute();
  await story.service('cloud', 'SHADOW');
  expect(await refused(STAGE, { service: 'cloud', stage: 'LIVE', reason: '  ' })).toEqual([
    'VALIDATION_FAILED',
    'reason',
    'reason must have 1 to 1000 characters.',
  ]);
  const long = 'x'.repeat(1001);
  expect(await refused(STAGE, { service: 'cloud', stage: 'LIVE', reason: long })).toEqual([
    'VALIDATION_FAILED',
    'reason',
    'reason must have 1 to 1000 characters.',
  ]);
  expect(await refused(STAGE, { service: 'nobody', stage: 'LIVE', reason: 'x' })).toEqual([
    'NOT_FOUND',
    'service',
    'No such service.',
  ]);
  expect(await audit('service.stage_changed')).toEqual([]);
  const input = { service: 'cloud', stage: 'LIVE', reason: ' we go ' };
  expect((await story.run(STAGE, input)).setServiceStage).toEqual({ service: { stage: 'LIVE' } });
  expect((await story.run(STAGE, input)).setServiceStage).toEqual({ service: { stage: 'LIVE' } });
  expect(await audit('service.stage_changed')).toMatchObject([
    { subjectType: 'service', details: { from: 'SHADOW', to: 'LIVE', reason: 'we go' } },
  ]);
});
