/** Connections: the types of a paged list, made for each noun, and the page turned into one. */
import { ArgsType, Field, Int, ObjectType, registerEnumType, type ClassType } from 'type-graphql';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, type Page, type PageArgs } from '../services/page';

/** `first` and `after` of every connection: `@Args(() => PageArguments) page: PageArguments`. */
@ArgsType()
export class PageArguments implements PageArgs {
  @Field(() => Int, {
    nullable: true,
    defaultValue: DEFAULT_PAGE_SIZE,
    description: `At most this many, from 1 to ${MAX_PAGE_SIZE}.`,
  })
  first?: number | null;

  @Field(() => String, { nullable: true, description: 'The `endCursor` of the page before; none for the first page.' })
  after?: string | null;
}

/** Arguments of a list with a filter and an order. */
export interface ListArguments<F extends object, O extends string> extends PageArgs {
  filter?: F | null;
  orderBy: O;
}

interface ListTerms<F extends object, O extends string> {
  filter: ClassType<F>;
  /** Of the filter. */
  description: string;
  order: Readonly<Record<O, O>>;
  byDefault: NoInfer<O>;
  orderDescription?: string;
}

/** Makes the arguments of a list: page, filter and order. */
export function listArguments<F extends object, O extends string>(
  terms: ListTerms<F, O>,
): ClassType<ListArguments<F, O>> {
  @ArgsType()
  class NounArguments extends PageArguments implements ListArguments<F, O> {
    @Field(() => terms.filter, { nullable: true, description: terms.description })
    filter?: F | null;

    @Field(() => terms.order, { defaultValue: terms.byDefault, description: terms.orderDescription ?? 'The order.' })
    orderBy!: O;
  }
  return NounArguments;
}

const DEFAULT_INNER_PAGE_SIZE = 12;

/** The same for a list within each node of another one: fewer by default, as they multiply. */
@ArgsType()
export class InnerPageArguments implements PageArgs {
  @Field(() => Int, {
    nullable: true,
    defaultValue: DEFAULT_INNER_PAGE_SIZE,
    description: `At most this many, from 1 to ${MAX_PAGE_SIZE}.`,
  })
  first?: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'The `endCursor` of the page before, for all nodes alike; none for the first page.',
  })
  after?: string | null;
}

/** Registers the enum of a list's orders, each with its description, and returns its members by name. */
export function orderEnum<O extends string>(name: string, things: string, values: Record<O, string>): { [K in O]: K } {
  const members = Object.fromEntries(Object.keys(values).map((order) => [order, order])) as { [K in O]: K };
  const valuesConfig = Object.fromEntries(
    Object.entries<string>(values).map(([order, description]) => [order, { description }]),
  );
  registerEnumType(members, { name, description: `The order of ${things}.`, valuesConfig: valuesConfig as never });
  return members;
}

/** What `archived` means as a filter, wherever things can be archived. */
export const ARCHIVED_FILTER = 'Only those out of use, or only those in use; both when left out.';

@ObjectType({
  description:
    'Where a page stands. Pages go forward: pass `endCursor` as `after`. A page is no feed: rows may appear before a cursor that was passed.',
})
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether there are more after this page.' })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: 'Whether this page began after a cursor.' })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: 'Cursor of the first node; null when there is none.' })
  startCursor!: string | null;

  @Field(() => String, { nullable: true, description: 'Cursor of the last node; null when there is none.' })
  endCursor!: string | null;
}

export interface Edge<T> {
  cursor: string;
  node: T;
}

export interface Connection<T> {
  edges: Edge<T>[];
  nodes: T[];
  pageInfo: PageInfo;
}

/** Makes `<name>Edge` and `<name>Connection`; once a noun. */
export function connectionType<T extends object>(node: ClassType<T>, name: string): ClassType<Connection<T>> {
  @ObjectType(`${name}Edge`, { description: `A ${words(name)} and its cursor.` })
  class NounEdge implements Edge<T> {
    @Field(() => String, { description: 'Pass it as `after` to go on behind this node.' })
    cursor!: string;

    @Field(() => node, { description: `The ${words(name)}.` })
    node!: T;
  }

  @ObjectType(`${name}Connection`, { description: `A page of the ${words(name)} list.` })
  class NounConnection implements Connection<T> {
    @Field(() => [NounEdge], { description: 'The nodes with their cursors.' })
    edges!: Edge<T>[];

    @Field(() => [node], { description: 'The nodes themselves, for callers who page by `pageInfo` only.' })
    nodes!: T[];

    @Field(() => PageInfo, { description: 'Where the page stands.' })
    pageInfo!: PageInfo;
  }
  return NounConnection;
}

const NO_PAGE = { nodes: [], cursors: [], hasNextPage: false, hasPreviousPage: false };

/** The page as a connection; null, a page of nothing in sight, as an empty one. */
export function toConnection<T>(page: Page<T> | null): Connection<T> {
  const { nodes, cursors, hasNextPage, hasPreviousPage } = page ?? NO_PAGE;
  return {
    edges: nodes.map((node, index) => ({ cursor: cursors[index] ?? '', node })),
    nodes,
    pageInfo: { hasNextPage, hasPreviousPage, startCursor: cursors[0] ?? null, endCursor: cursors.at(-1) ?? null },
  };
}

/** "BillingPeriod" as people say it: "billing period". */
function words(name: string): string {
  return name.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}
