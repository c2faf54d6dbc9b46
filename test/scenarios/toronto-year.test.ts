/** A year of UTC day counters for a customer billed in Toronto: none late, each day once, whatever the clocks there do. */
import { Story } from '../support/story';

const DAY_MS = 86_400_000;
const DAYS_OF_MONTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

it('8: 365 UTC days in Toronto are billed in the month of their last instant, none late', async () => {
  const story = await Story.open({
    now: '2026-01-01T12:00:00Z',
    timeZone: 'America/Toronto',
    runAt: '12:00',
    startOn: '2026-01-01',
    nextInvoiceOn: '2026-02-01',
  });
  try {
    await story.begin();
    for (let start = Date.UTC(2026, 0, 1); start < Date.UTC(2027, 0, 1); start += DAY_MS) {
      const end = new Date(start + DAY_MS);
      await story.test.clock.set(new Date(end.getTime() + 5 * 60_000));
      await story.use(1, [new Date(start).toISOString(), end.toISOString()]);
      if (end.getUTCDate() !== 1) continue;
      const day = end.toISOString().slice(0, 10);
      await story.at(`${day}T08:00:00Z`);
      await story.at(`${day}T12:01:00Z`);
    }
    expect(await story.invoiced()).toEqual(DAYS_OF_MONTHS);
    const closed = (await story.periods()).filter((period) => period.state === 'CLOSED');
    expect(closed.map((period) => Number(period.lines[0]?.units))).toEqual(DAYS_OF_MONTHS);
    const { usageRecords } = await story.run('{ usageRecords(filter: { late: true }) { nodes { idempotencyKey } } }');
    expect(usageRecords.nodes).toEqual([]);
  } finally {
    await story.close();
  }
}, 120_000);
