/** A process that migrates the database whose address it is given and prints the names of what it applied, as JSON. */
import { migrate } from '../../src/migrate';

async function run(url: string): Promise<void> {
  process.stdout.write(JSON.stringify((await migrate(url)).applied));
}

void run(process.argv[2] ?? '');
