/** A process that is only a worker, and what it answers where WORKER_PORT says. */
import { freePort } from '../../src/boot/postmaster';
import { createTestDatabase } from '../support/db';
import { BOOT_LIMIT_MS, makeMachine } from '../support/machine';

const KEY = `fb_${'k'.repeat(43)}`;

test(
  'a worker answers its health and its metrics, those of Node included, and stops in order',
  async () => {
    const database = await createTestDatabase();
    const machine = makeMachine();
    try {
      const port = await freePort();
      const worker = machine.launch({
        ROLE: 'worker',
        WORKER_PORT: String(port),
        ADMIN_API_KEY: KEY,
        DATABASE_URL: database.url,
      });
      const ask = (address: string): Promise<Response | null> =>
        fetch(`http://127.0.0.1:${port}${address}`, { headers: { authorization: `Bearer ${KEY}` } }).catch(() => null);
      const deadline = performance.now() + BOOT_LIMIT_MS;
      let ready: Response | null = null;
      while (ready?.status !== 200 && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        ready = await ask('/readyz');
      }
      expect(ready?.status).toBe(200);
      expect((await ask('/healthz'))?.status).toBe(200);
      expect((await ask('/graphql'))?.status).toBe(404);
      const page = (await (await ask('/metrics'))?.text()) ?? '';
      expect(page).toMatch(/^fusion_billing_database_up 1$/m);
      expect(page).toMatch(/^process_resident_memory_bytes \d+$/m);

      worker.process.kill('SIGTERM');
      expect(await worker.exit).toBe(0);
      expect(worker.output()).not.toContain('did not stop in order');
    } finally {
      await machine.remove();
      await database.drop();
    }
  },
  2 * BOOT_LIMIT_MS,
);
