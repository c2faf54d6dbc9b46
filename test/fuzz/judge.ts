/** What must hold of every answer, whatever was asked. */
import { parse, validate, type GraphQLSchema } from 'graphql';
import { MAX_MESSAGE_LENGTH } from '../../src/domain/errors';
import type { FuzzRequest } from './requests';
import type { FuzzWorld } from './world';

const MAX_ERRORS_BYTES = 64 * 1024;

export interface Answer {
  status: number;
  contentType: string;
  body: string;
}

interface GraphqlError {
  message: string;
  extensions?: { code?: unknown };
}

export interface Verdict {
  /** What is wrong; empty when all is well. */
  faults: string[];
  codes: string[];
}

export function judge(
  { world, schema }: { world: FuzzWorld; schema: GraphQLSchema },
  request: FuzzRequest,
  answer: Answer,
): Verdict {
  const faults: string[] = [];
  const logged = world.takeErrors();
  if (logged.length > 0) faults.push(`logged at level error: ${logged.join('').slice(0, 2_000)}`);
  if (answer.status >= 500) faults.push(`status ${answer.status}`);
  const parsed = parseJson(answer);
  if (parsed === undefined) return { faults: [...faults, `no JSON: ${answer.contentType}`], codes: [] };
  const { data, errors = [] } = parsed;
  const codes = errors.map(({ extensions }) => String(extensions?.code));
  if (codes.includes('INTERNAL') || codes.includes('INTERNAL_SERVER_ERROR')) faults.push('an error of our own making');
  if (codes.some((code) => !/^[A-Z_]+$/.test(code))) faults.push(`an error without a code: ${codes.join()}`);
  if (errors.some(({ message }) => message.length > MAX_MESSAGE_LENGTH))
    faults.push('a message of over 300 characters');
  if (errors.length > 0 && sizeBesideData(parsed) > MAX_ERRORS_BYTES) faults.push('errors of over 64 kB');
  if (errors.length === 0 && data === undefined) faults.push('neither data nor errors');
  if (!isValid(schema, request.text) && holdsSomething(data)) faults.push('data for a document that is not valid');
  if (request.key !== 'READER') faults.push(...tracesOf(world, request, { data, errors }));
  return { faults, codes };
}

interface Parsed {
  data?: unknown;
  errors?: GraphqlError[];
}

function parseJson({ contentType, body }: Answer): Parsed | undefined {
  if (!/^application\/(graphql-response\+)?json\b/.test(contentType)) return undefined;
  try {
    return JSON.parse(body) as Parsed;
  } catch {
    return undefined;
  }
}

function isValid(schema: GraphQLSchema, text: string): boolean {
  try {
    return validate(schema, parse(text)).length === 0;
  } catch {
    return false;
  }
}

/** What was found counts as data; the rest of an answer with errors is bounded. */
function sizeBesideData(parsed: Parsed): number {
  const { data, ...rest } = parsed;
  return Buffer.byteLength(JSON.stringify(holdsSomething(data) ? rest : parsed));
}

function holdsSomething(data: unknown): boolean {
  return typeof data === 'object' && data !== null && Object.values(data).some((value) => value !== null);
}

/**
 * Marks and ids of the other service in the answer. What the request itself says may come back in an error, or in the
 * refusal of an item of a batch, but never as something that was read.
 */
function tracesOf(world: FuzzWorld, request: FuzzRequest, { data, errors }: Required<Parsed>): string[] {
  const said = [...sentNames(world, request)];
  const unsaid = (text: string): string => said.reduce((rest, name) => rest.replaceAll(name, ''), text);
  const inErrors = JSON.stringify(errors).toLowerCase();
  const inData = JSON.stringify(data ?? null).toLowerCase();
  const read = request.kind === 'mutation' ? unsaid(inData) : inData;
  return namesOfOther(world)
    .filter((name) => unsaid(inErrors).includes(name) || read.includes(name))
    .map((name) => `a trace of the other service: ${name}`);
}

function namesOfOther({ other }: FuzzWorld): string[] {
  const { mark, keyId, linkId, contractId, subscriptionId, derivedPeriodId, closedPeriodId, writeBackId } = other;
  return [mark, keyId, linkId, contractId, subscriptionId, derivedPeriodId, closedPeriodId, writeBackId];
}

/** The names of the other service that the request uses, the longest first. */
function sentNames(world: FuzzWorld, { text, variables }: FuzzRequest): string[] {
  const { other } = world;
  const sent = `${text} ${variables}`;
  const names = [
    ...namesOfOther(world),
    ...other.keyIds,
    ...other.records,
    ...other.idleMetrics,
    other.account,
    other.metric,
  ];
  return names.filter((name) => sent.includes(name)).sort((a, b) => b.length - a.length);
}
