/** The conditions of all lists whose items belong to contracts. */
import { Field, ID, InputType } from 'type-graphql';

@InputType({ description: 'Whose items are wanted.' })
export abstract class ContractFilter {
  @Field(() => String, {
    nullable: true,
    description: "A service's own id of an account: of the contracts its link means.",
  })
  account?: string | null;

  @Field(() => ID, { nullable: true, description: 'Of this contract.' })
  contractId?: string | null;
}
