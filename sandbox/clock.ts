/** The time of the sandbox: running, or set and standing still until it is moved. Also the calendar of billing steps and of runs. */

const DAY_MS = 86_400_000;

/** How a clock goes: standing still at an instant, or running `aheadMs` before the real time. */
export interface ClockSetting {
  setMs: number | null;
  aheadMs: number;
}

export class Clock {
  constructor(private setting: ClockSetting) {}

  nowMs(): number {
    return this.setting.setMs ?? Date.now() + this.setting.aheadMs;
  }

  isRunning(): boolean {
    return this.setting.setMs === null;
  }

  set(setting: ClockSetting): void {
    this.setting = setting;
  }

  /** The setting after a move; a running clock goes on running. */
  movedBy(ms: number): ClockSetting {
    const { setMs, aheadMs } = this.setting;
    return setMs === null ? { setMs, aheadMs: aheadMs + ms } : { setMs: setMs + ms, aheadMs };
  }

  /** The start of a transaction, as stored: UTC with microseconds. */
  stamp(): string {
    return stampOf(this.nowMs());
  }

  /** The UTC day, "2026-11-22". */
  today(): string {
    return this.stamp().slice(0, 10);
  }
}

export function stampOf(ms: number): string {
  return `${new Date(ms).toISOString().replace('T', ' ').slice(0, 23)}000`;
}

/** Refuses an hour that is not "HH:MM". */
export function checkRunAt(runAt: string): void {
  if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(runAt)) throw new Error(`runAt ${runAt}: "HH:MM" expected`);
}

/** Instants of the daily billing run in `(fromMs, toMs]`, oldest first; `runAt` is "HH:MM" in UTC. */
export function runInstants(fromMs: number, toMs: number, runAt: string): number[] {
  const [hours = 0, minutes = 0] = runAt.split(':').map(Number);
  const offset = (hours * 60 + minutes) * 60_000;
  const instants: number[] = [];
  let instant = Math.floor((fromMs - offset) / DAY_MS) * DAY_MS + DAY_MS + offset;
  for (; instant <= toMs; instant += DAY_MS) instants.push(instant);
  return instants;
}

/** A day moved by plan steps; months end early where the day does not exist, as in Python's relativedelta. */
export function addToDay(day: string, count: number, unit: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  if (unit === 'week' || unit === 'day') {
    date.setUTCDate(date.getUTCDate() + count * (unit === 'week' ? 7 : 1));
    return date.toISOString().slice(0, 10);
  }
  const dayOfMonth = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + count * (unit === 'year' ? 12 : 1));
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(dayOfMonth, lastDay));
  return date.toISOString().slice(0, 10);
}
