/** docs/api.md: every operation with a request and the answer it really got. */
import { parse, print } from 'graphql';
import type { Chapter, Example } from './example';
import type { GraphqlAnswer, Played } from './play';
import type { Stable } from './stable';

const HEAD = `<!-- Made by \`npm run docs\`; edit scripts/docs instead. -->

# The API by example

One endpoint, \`POST /graphql\`, with a key in the header \`Authorization: Bearer fb_…\`. This page tells one story from the first
call to the end: each request was sent to a running installation in this order, and each answer is what came back. Only what
is drawn at random was replaced: ids are numbered (\`01a20000-0000-7000-8000-000000000001\` is the first one to appear) and
secrets read \`fb_example1…\`. The clock of the installation stands where the story needs it.

Every type and field is described in [schema.graphql](../schema.graphql) and in GraphiQL. Errors are in
[errors.md](errors.md), limits in [limits.md](limits.md), the rules behind the numbers in [domain.md](domain.md).

Quantities and amounts are texts (\`"1.5"\`), so that no float ever touches them. Instants are UTC and end in \`At\`, days end in
\`On\`; periods and windows do not contain their end.
`;

/** The page before it is formatted. `extra` are chapters that are no operations, as Markdown. */
export function apiPage(
  chapters: readonly Chapter[],
  { played, extra, tidy }: { played: Map<Example, Played>; extra: readonly string[]; tidy: Stable },
): string {
  const contents = chapters.map(({ title }) => `- [${title}](#${anchor(title)})`);
  const extraContents = extra
    .map((text) => /^## (.+)$/m.exec(text)?.[1] ?? '')
    .map((title) => `- [${title}](#${anchor(title)})`);
  const body = chapters.map(({ title, text, examples }) =>
    [`## ${title}`, text, ...examples.map((example) => section(example, played.get(example), tidy))].join('\n\n'),
  );
  return [HEAD, [...contents, ...extraContents].join('\n'), ...body, ...extra.map((text) => tidy(text))].join('\n\n');
}

function anchor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');
}

function section({ title, text }: Example, played: Played | undefined, tidy: Stable): string {
  if (played === undefined) throw new Error(`"${title}" was not played.`);
  const { variables, answer } = tidy({ variables: played.variables, answer: shown(played) });
  return [
    `### ${title}`,
    text,
    block('graphql', print(parse(played.example.document))),
    ...(variables === undefined ? [] : ['with', block('json', JSON.stringify(variables))]),
    'answers',
    block('json', JSON.stringify(answer)),
  ].join('\n\n');
}

/** Without where in the document an error was: it says nothing on a page. */
function shown({ example, answer }: Played): GraphqlAnswer {
  const { errors, data, extensions } = answer;
  return {
    ...(errors === undefined ? {} : { errors: errors.map((error) => ({ ...error, locations: undefined })) }),
    ...(data === undefined ? {} : { data }),
    ...(example.extensions ? { extensions } : {}),
  };
}

export function block(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
