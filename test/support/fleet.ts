/** The application as an installation of several processes: two serve the API, two work off the queue, on one database and one Odoo. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import { enqueue, type TaskName } from '../../src/queue';
import { LOCK_CLASS } from '../../src/services/transaction';
import { startTestApp, type TestApp, type TestAppOptions } from './app';
import { post } from './graphql-http';
import { launchMember, type Member } from './members';

const JOBS_LIMIT_MS = 60_000;
const POLL_MS = 20;

export interface Fleet extends TestApp {
  /** The requests of `gql` go to them in turn, as long as they live. */
  apis: Member[];
  workers: Member[];
  /** Ends a process by kill -9. What a worker had taken of the queue is free half a minute later; here, ten seconds at most. */
  kill(member: Member): Promise<void>;
  /** The worker that holds an order while it writes to Odoo. */
  writer(): Promise<Member>;
  /** Connections with the owner's rights. */
  owner: Pool;
}

/** Takes the options of `startTestApp`; the App of the test's own process looks on only. */
export async function startFleet(options: TestAppOptions = {}): Promise<Fleet> {
  const test = await startTestApp(options);
  const { databaseUrl, odoo, billingTimeZone, invoiceRunAtMinutes } = test.app.config;
  const runAt = [Math.floor(invoiceRunAtMinutes / 60), invoiceRunAtMinutes % 60];
  const variables = {
    BILLING_TIME_ZONE: billingTimeZone,
    ODOO_INVOICE_RUN_AT: runAt.map((part) => String(part).padStart(2, '0')).join(':'),
  };
  const order = { databaseUrl, odoo, now: test.clock.now(), variables };
  const roles = ['api', 'api', 'worker', 'worker'] as const;
  const members = await Promise.all(
    roles.map((role, place) =>
      launchMember({ ...order, role, databaseUrl: `${databaseUrl}?application_name=member-${place}` }),
    ),
  );
  const owner = new Pool({ connectionString: databaseUrl, max: 2 });
  const living = members.slice();
  const apis = members.slice(0, 2);
  const set = test.clock.set;
  const close = test.close;
  let requests = 0;

  const drain = async (): Promise<void> => {
    const deadline = performance.now() + JOBS_LIMIT_MS;
    for (;;) {
      // What has no attempt left is nobody's to run: a line of the crontab whose worker was killed.
      const { rows } = await owner.query(
        'select * from graphile_worker.jobs where attempts < max_attempts or locked_at is not null',
      );
      if (rows.length === 0) return;
      if (performance.now() > deadline) throw new Error(`Jobs are left: ${JSON.stringify(rows)}`);
      await sleep(POLL_MS);
    }
  };
  return Object.assign(test, {
    apis,
    workers: members.slice(2),
    owner,
    async writer(): Promise<Member> {
      const { rows } = await owner.query<{ place: number }>(
        `select substr(application_name, 8)::int as place from pg_locks join pg_stat_activity using (pid)
          where locktype = 'advisory' and granted and classid = $1 and application_name like 'member-%'`,
        [LOCK_CLASS.ORDER],
      );
      const found = members[rows[0]?.place ?? -1];
      if (found === undefined) throw new Error('Nobody writes.');
      return found;
    },
    async kill(member: Member): Promise<void> {
      living.splice(living.indexOf(member), 1);
      await member.kill();
      if (apis.includes(member)) return;
      await owner.query(`update graphile_worker._private_jobs set locked_at = locked_at - interval '1 minute'`);
      // The living ones are back with their next sign of life, before which nobody frees anything.
      await owner.query('delete from worker');
    },
    gql: (key, query, variables) => {
      const serving = apis.filter((api) => living.includes(api));
      requests += 1;
      const api = serving[requests % serving.length];
      if (api === undefined) throw new Error('No API is left.');
      return post(api.url, { key, query, variables });
    },
    async runJobs(...tasks: TaskName[]): Promise<void> {
      for (const task of tasks) {
        await test.app.db.transaction((tx) => enqueue(tx, task, {} as never));
        await drain();
      }
      await drain();
    },
    clock: {
      ...test.clock,
      async set(now: Date): Promise<void> {
        await set(now);
        await Promise.all(living.map((member) => member.setNow(now)));
      },
    },
    async close(): Promise<void> {
      const codes = await Promise.all(living.map((member) => member.stop()));
      await owner.end();
      await close();
      if (codes.some((code) => code !== 0)) throw new Error(`A process did not end in order: ${codes.join()}`);
    },
  } satisfies Partial<Fleet>);
}
