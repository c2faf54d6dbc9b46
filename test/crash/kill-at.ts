/** Loaded first by a process of a test: when its parent says so, it kills itself at its n-th message from then on. */
import { countFor, type Death } from './wire';

process.on('message', ({ death }: { death?: Death }) => {
  if (death !== undefined) countFor({ sent: [], death, onDeath: () => process.kill(process.pid, 'SIGKILL') });
});
