/**
 * Every sentence with which a rule or a use case refuses something stands in a test beside its code and its field: a caller's
 * program asks for these two, a person reads the third, and none of them changes by accident. Read from the sources, so that a
 * refusal without a test is found the day it is written.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const root = path.join(__dirname, '..', '..');

/** The functions that make refusals, and their code where all have one. */
const MAKERS = new Map<string, string | null>([
  ['BillingError', null],
  ['invalid', 'VALIDATION_FAILED'],
  ['refused', 'VALIDATION_FAILED'],
  ['conflict', 'CONFLICT'],
  ['notFound', 'NOT_FOUND'],
]);
/** Constants that hold a message until it is thrown. */
const MESSAGES = ['message', 'advice', 'what'];
/** What is no caller's mistake. */
const OURS = /^(?:UNAVAILABLE|UPSTREAM_\w+|INTERNAL)$/;
/** What is wrong with a request as a whole may have no field. */
const WHOLE = /^(?:FORBIDDEN|LIMIT_EXCEEDED)$/;

/** A refusal of the sources; null is what they do not say on the spot. */
interface Refusal {
  sentences: RegExp[];
  code: string | null;
  field: string | null;
}

/** A refusal that a test expects; its code is null in a row of a table whose test has one code for all rows. */
interface Expectation {
  code: string | null;
  field: string;
  message: string;
}

function sourcesIn(folder: string): ts.SourceFile[] {
  const names = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.posix.join(folder, name))
    .map((file) => parsed(file, readFileSync(path.join(root, file), 'utf8')));
}

function parsed(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
}

function nodesOf(node: ts.Node, found: ts.Node[] = []): ts.Node[] {
  found.push(node);
  ts.forEachChild(node, (child) => void nodesOf(child, found));
  return found;
}

/** A text with … for what it fills in; null when `node` is none. */
function textOf(node: ts.Node | undefined): string | null {
  if (node === undefined) return null;
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return null;
  return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('…');
}

function propertyOf(node: ts.Node | undefined, name: string): ts.Expression | undefined {
  if (node === undefined || !ts.isObjectLiteralExpression(node)) return undefined;
  const found = node.properties.find((property) => property.name?.getText() === name);
  return found !== undefined && ts.isPropertyAssignment(found) ? found.initializer : undefined;
}

/** As patterns; what has no blank in it is a name. A sentence is all of a message, another text a part of one. */
function sentencesIn(node: ts.Node): RegExp[] {
  const texts = nodesOf(node).flatMap((inner) => textOf(inner) ?? []);
  return texts.filter((text) => / \S/.test(text)).map((text) => pattern(text.endsWith('.') ? `^${text}$` : text));
}

function pattern(text: string): RegExp {
  return new RegExp(text.replaceAll(/[.*+?(){}|[\]\\]/g, String.raw`\$&`).replaceAll('…', '.+'));
}

function refusalAt(node: ts.Node): Refusal | null {
  const isConstant = ts.isVariableDeclaration(node) && MESSAGES.includes(node.name.getText());
  if (isConstant || propertyOf(node, 'message') !== undefined)
    return { sentences: sentencesIn(node), code: null, field: textOf(propertyOf(node, 'field')) };
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return null;
  const maker = node.expression.getText();
  const code = MAKERS.get(maker);
  if (code === undefined) return null;
  const [first, second, third] = node.arguments ?? [];
  const noun = maker === 'notFound' ? textOf(first) : null;
  const field = textOf(maker === 'invalid' ? first : maker === 'notFound' ? second : propertyOf(third, 'field'));
  return {
    sentences: noun === null ? sentencesIn(node) : [pattern(`^No such ${noun}.$`)],
    code: code ?? textOf(first),
    field: field?.includes('…') === true ? null : field,
  };
}

const FIELD = /^[a-z]\w*(?:[.[][\w.[\]]+)?$/;
const CODE = /^[A-Z]+(?:_[A-Z]+)*$/;

/** An object with `code`, `field` and `message`, or a row of a table that ends with them. */
function expectationAt(node: ts.Node): Expectation | null {
  if (ts.isArrayLiteralExpression(node)) {
    const texts = node.elements.flatMap((element) => textOf(element) ?? []);
    const [message = '', field = '', code = ''] = texts.toReversed();
    return FIELD.test(field) ? { code: CODE.test(code) ? code : null, field, message } : null;
  }
  const objects = [node, propertyOf(node, 'extensions'), propertyOf(node, 'details')];
  const [code, field, message] = ['code', 'field', 'message'].map((name) =>
    textOf(objects.map((object) => propertyOf(object, name)).find((value) => value !== undefined)),
  );
  if (!code || !message || (!field && !WHOLE.test(code))) return null;
  return { code, field: field ?? '', message };
}

/** The sentences of `sources` that no expectation has. */
function untested(sources: ts.SourceFile[], expected: Expectation[]): string[] {
  const refusals = sources.flatMap((source) => nodesOf(source)).flatMap((node) => refusalAt(node) ?? []);
  return refusals
    .filter(({ code }) => !OURS.test(code ?? ''))
    .flatMap(({ sentences, ...said }) =>
      sentences.filter(
        (sentence) =>
          !expected.some(
            ({ code, field, message }) =>
              sentence.test(message) && (said.code ?? code) === (code ?? said.code) && (said.field ?? field) === field,
          ),
      ),
    )
    .map(({ source }) => source);
}

it('each refusal has a test with its code, field and message', () => {
  const expected = sourcesIn('test')
    .flatMap((source) => nodesOf(source))
    .flatMap((node) => expectationAt(node) ?? []);
  expect(untested([...sourcesIn('src/domain'), ...sourcesIn('src/services')], expected)).toEqual([]);
});

it('a refusal whose message, field or code is another one is missed', () => {
  const sources = [parsed('rule.ts', "throw invalid('from', `from must lie after ${start}.`);")];
  const told = { code: 'VALIDATION_FAILED', field: 'from', message: 'from must lie after noon.' };
  expect(untested(sources, [told])).toEqual([]);
  for (const other of [{ code: 'CONFLICT' }, { field: 'to' }, { message: 'from must lie later.' }])
    expect(untested(sources, [{ ...told, ...other }])).toEqual([String.raw`^from must lie after .+\.$`]);
});
