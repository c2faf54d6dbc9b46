/** Columns of rows as PostgreSQL's array literals: many rows as a few parameters, without the name of each field in each row. */

/** The literal of an array; null when it holds nothing but nulls, which `unnest` beside other arrays reads as just that. */
export function sqlArray(values: readonly (string | null)[]): string | null {
  let isEmpty = true;
  const elements = values.map((value) => {
    if (value === null) return 'NULL';
    isEmpty = false;
    return BARE.test(value) ? value : quoted(value);
  });
  return isEmpty ? null : `{${elements.join(',')}}`;
}

/** Ids, instants, numbers, most names: nothing in them means anything to an array literal. */
const BARE = /^(?!null$)[\w.:/+-]+$/i;

function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, String.raw`\$&`)}"`;
}
