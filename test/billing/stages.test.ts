/** Who bills, from when: services that go LIVE on running contracts, in mid-month, and back. */
import { Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const FEBRUARY = { now: '2026-02-01T08:00:00Z', startOn: '2026-02-01', nextInvoiceOn: '2026-03-01' };
const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };
const control = (): Story['test']['sandbox']['control'] => story.test.sandbox.control;

const SET_STAGE = `mutation ($i: SetServiceStageInput!) { setServiceStage(input: $i) { service { stage } } }`;

async function beginAs(stage: string): Promise<void> {
  await story.minute();
  await story.run('mutation ($i: CreateServiceInput!) { createService(input: $i) { service { id } } }', {
    code: 'cloud',
    name: 'Cloud',
    stage,
  });
  await story.metric('cloud', 'calls');
  await story.charge({ metric: 'calls', productOdooId: story.product(1) });
  await story.link('cloud', 'acme');
  await story.minute();
}

async function refusal(stage: string): Promise<unknown> {
  const input = { service: 'cloud', stage, reason: 'the story says so' };
  const answer = await story.test.gql(story.test.adminKey, SET_STAGE, { i: input });
  const [error] = answer.errors ?? [];
  return { code: error?.extensions.code, field: error?.extensions.field, message: error?.message };
}

const HELD = {
  code: 'CONFLICT',
  field: 'stage',
  message: 'The service cannot leave LIVE: Odoo has billed its usage, or holds a quantity of it.',
};

it('a service created LIVE bills the running contract from its open period on', async () => {
  story = await Story.open(MARCH);
  await story.at('2026-03-05T10:00:00Z');
  await beginAs('LIVE');
  await story.use(30, '2026-03-02T10:00:00Z');
  await story.usedBy('2026-03-20T10:00:00Z', 70);
  await story.at('2026-04-01T02:00:00Z');
  expect(await story.slot()).toBe(100);
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100]);
  expect(await story.balance()).toMatchObject({ truth: '100', billed: '100', due: '0' });
});

it('SHADOW to LIVE in mid-month bills the whole open period, and nothing before it', async () => {
  story = await Story.open(FEBRUARY);
  await beginAs('SHADOW');
  await story.usedBy('2026-02-20T10:00:00Z', 50);
  await story.editLine({ qty_delivered: 40 });
  await story.at('2026-03-01T02:00:00Z');
  expect((await story.periods())[0]).toMatchObject({ state: 'CLOSED', lines: [{ units: '50' }] });
  expect(await story.slot()).toBe(40);
  await story.at('2026-03-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([40]);
  await story.usedBy('2026-03-10T10:00:00Z', 30);
  await story.stage('cloud', 'LIVE');
  await story.minute();
  expect(await story.balance()).toMatchObject({ truth: '0', billed: '0', due: '0' });
  await story.usedBy('2026-03-20T10:00:00Z', 70);
  await story.at('2026-04-01T02:00:00Z');
  expect(await story.balance()).toMatchObject({ truth: '100', billed: '0', due: '100' });
  expect(await story.slot()).toBe(100);
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([40, 100]);
  expect(await story.balance()).toMatchObject({ truth: '100', billed: '100', due: '0' });
  expect(await story.writes()).toEqual([100]);
});

it('late usage of a month before LIVE is rated and never billed', async () => {
  story = await Story.open(FEBRUARY);
  await beginAs('SHADOW');
  await story.at('2026-03-01T02:00:00Z');
  await story.at('2026-03-01T12:01:00Z');
  await story.test.clock.set(new Date('2026-03-10T10:00:00Z'));
  await story.stage('cloud', 'LIVE');
  await story.use(50, '2026-02-20T10:00:00Z');
  await story.minute();
  expect((await story.periods())[0]).toMatchObject({ lines: [{ units: '50', revision: 2 }] });
  await story.use(3, '2026-03-09T10:00:00Z');
  await story.at('2026-04-01T02:00:00Z');
  expect(await story.slot()).toBe(3);
});

it('an invoice made before LIVE is not ours, seen by the mirror in time or not', async () => {
  story = await Story.open(MARCH);
  await beginAs('SHADOW');
  await story.usedBy('2026-03-15T10:00:00Z', 100);
  await story.editLine({ qty_delivered: 12 });
  await control().invoiceOrder(story.order.orderId);
  await story.stage('cloud', 'LIVE');
  await story.minute();
  await story.at('2026-04-01T02:00:00Z');
  expect(await story.invoiced()).toEqual([12]);
  expect(await story.balance()).toMatchObject({ truth: '100', billed: '0', due: '100' });
  await story.at('2026-05-01T02:00:00Z');
  await story.at('2026-05-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([12, 100]);
  expect(await story.balance()).toMatchObject({ truth: '100', billed: '100', due: '0' });
});

it('a draft made before LIVE and posted after it is not ours either', async () => {
  story = await Story.open(MARCH);
  await beginAs('SHADOW');
  await story.usedBy('2026-03-15T10:00:00Z', 100);
  await story.editLine({ qty_delivered: 12 });
  const draft = await control().invoiceOrder(story.order.orderId, { post: false });
  await story.stage('cloud', 'LIVE');
  await story.minute();
  expect(await story.reasons()).toEqual(['HELD_BY_DRAFT']);
  await control().postInvoice(draft ?? 0);
  await story.minute();
  expect(await story.reasons()).toEqual([]);
  await story.at('2026-04-01T02:00:00Z');
  expect(await story.balance()).toMatchObject({ truth: '100', billed: '0', due: '100' });
});

describe('LIVE to SHADOW', () => {
  it('before anything was billed: nothing of the period is written, and LIVE again bills it', async () => {
    story = await Story.open(MARCH);
    await beginAs('LIVE');
    await story.usedBy('2026-03-10T10:00:00Z', 30);
    await story.stage('cloud', 'SHADOW');
    await story.at('2026-04-01T02:00:00Z');
    expect(await story.writes()).toEqual([]);
    expect((await story.periods())[0]).toMatchObject({ lines: [{ units: '30' }], blocks: [] });
    await story.at('2026-04-01T12:01:00Z');
    await story.usedBy('2026-04-10T10:00:00Z', 7);
    await story.editLine({ qty_delivered: 55 });
    await story.minute();
    expect(await story.slot()).toBe(55);
    await story.stage('cloud', 'LIVE');
    await story.minute();
    expect(await story.slot()).toBe(0);
    await story.at('2026-05-01T02:00:00Z');
    await story.at('2026-05-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([7]);
    expect(await story.balance()).toMatchObject({ truth: '7', billed: '7', due: '0' });
  });

  it('takes back what waits to be sent', async () => {
    story = await Story.open({ ...MARCH, config: { odooWrites: false } });
    await beginAs('LIVE');
    await story.usedBy('2026-03-20T10:00:00Z', 30);
    await story.at('2026-04-01T02:00:00Z');
    expect((await story.writeBacks())[0]).toMatchObject({ kind: 'FINAL', state: 'PENDING' });
    await story.stage('cloud', 'SHADOW');
    Object.assign(story.test.app.config, { odooWrites: true });
    await story.at('2026-04-01T03:00:00Z');
    expect(await story.writes()).toEqual([]);
  });

  it('is refused while Odoo holds a quantity, and once it has billed one', async () => {
    story = await Story.open(MARCH);
    await beginAs('LIVE');
    await story.usedBy('2026-03-20T10:00:00Z', 30);
    await story.at('2026-04-01T02:00:00Z');
    expect(await refusal('SHADOW')).toEqual(HELD);
    await story.at('2026-04-01T12:01:00Z');
    expect(await refusal('SHADOW')).toEqual(HELD);
    expect(await refusal('DUAL_RUN')).toEqual(HELD);
    await story.usedBy('2026-04-20T10:00:00Z', 7);
    await story.at('2026-05-01T02:00:00Z');
    expect(await story.slot()).toBe(7);
  });

  it('is refused while nobody knows whether Odoo took a write', async () => {
    story = await Story.open(MARCH);
    await beginAs('LIVE');
    await story.usedBy('2026-03-20T10:00:00Z', 30);
    await story.failWrite('reset-after');
    await story.atInTrouble('2026-04-01T02:00:00Z');
    expect(await refusal('SHADOW')).toEqual(HELD);
    await story.minute();
  });
});
