/** Lints the fixture with the house's configuration and prints what was reported, as JSON; a process of its own because
 * Jest cannot load ES modules. */
import path from 'node:path';
import { ESLint } from 'eslint';
import { house } from '../../eslint.config.mjs';

const fixture = path.join(import.meta.dirname, 'lint-fixture');
const eslint = new ESLint({ cwd: fixture, overrideConfigFile: true, overrideConfig: house(fixture) });
const results = await eslint.lintFiles(['.']);
const reports = results.flatMap(({ filePath, messages }) =>
  messages.map(({ line, ruleId, message }) => ({
    file: path.relative(fixture, filePath),
    line,
    rule: ruleId,
    message,
  })),
);
const rules = new Set();
for (const { filePath } of results) {
  const config = await eslint.calculateConfigForFile(filePath);
  for (const [name, [severity]] of Object.entries(config.rules)) if (severity === 2) rules.add(name);
}
process.stdout.write(JSON.stringify({ reports, rules: [...rules] }));
