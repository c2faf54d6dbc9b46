/** What is answered of records that were just sent or corrected: they are read only where more than their ids is wanted. */
import type { GraphQLResolveInfo } from 'graphql';
import type { Ctx } from '../ctx';
import type { RecordUsageBatchResult, RecordUsageResult as Result } from '../services/usage-outcome';
import { usageRecordsByIds } from '../services/usage-reads';
import { selected } from './selection';
import type { RecordUsageBatchPayload, RecordUsageResult } from './usage-payloads';

/** What is known of a record without reading it. */
const KNOWN = new Set(['id', '__typename']);

/** Whether nothing but the id is selected of the record that `path` leads to in the answer. */
export function selectsOnlyId(info: GraphQLResolveInfo, path: readonly string[]): boolean {
  return [...selected(info, path)].every((name) => KNOWN.has(name));
}

/** The answer to a batch, with the records of its results. */
export async function batchPayload(
  ctx: Ctx,
  info: GraphQLResolveInfo,
  { results, rejections, ...counts }: RecordUsageBatchResult,
): Promise<RecordUsageBatchPayload> {
  const ids = selectsOnlyId(info, ['results', 'record']) ? [] : results.flatMap(({ recordId }) => recordId ?? []);
  const records = await usageRecordsByIds(ctx, ids);
  const withRecord = ({ recordId: id, ...result }: Result): RecordUsageResult => ({
    ...result,
    record: id === null ? null : (records.get(id) ?? { id }),
  });
  return { ...counts, results: results.map(withRecord), rejections: rejections.map(withRecord) };
}
