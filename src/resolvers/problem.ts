/** Refusals as data: the type of `problem` and `problems` fields, and the codes they share with `errors[].extensions`. */
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { ERROR_CATALOGUE, type ErrorCode, type Problem as ProblemData } from '../domain/errors';
import { JsonObject } from '../entities/columns';

const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];
const ErrorCodes = Object.fromEntries(codes.map((code) => [code, code])) as Record<ErrorCode, ErrorCode>;

registerEnumType(ErrorCodes, {
  name: 'ErrorCode',
  description:
    'Why something was refused; the same in `errors[].extensions.code`, in batch results and in the command line. New codes may be added.',
  valuesConfig: Object.fromEntries(
    codes.map((code) => [code, { description: `${ERROR_CATALOGUE[code].meaning} ${ERROR_CATALOGUE[code].remedy}` }]),
  ),
});

@ObjectType({ description: "A refusal as data, with the same parts as an error's `extensions`." })
export class Problem implements ProblemData {
  @Field(() => ErrorCodes, { description: 'What kind of refusal it is.' })
  code!: ErrorCode;

  @Field(() => String, { description: 'For people; at most 300 characters.' })
  message!: string;

  @Field(() => String, { nullable: true, description: 'Path of the value at fault inside the item, "windowEnd".' })
  field!: string | null;

  @Field(() => Boolean, { description: 'Whether the same request can succeed later.' })
  retryable!: boolean;

  @Field(() => JsonObject, { nullable: true, description: 'What else is known; for a conflict field, recorded, sent.' })
  details!: Record<string, unknown> | null;
}
