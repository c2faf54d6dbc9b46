import { rounded } from '../domain/rules'; // expect: @typescript-eslint/consistent-type-imports

type Places = typeof rounded;
type State = 'OPEN' | 'CLOSED';

async function write(): Promise<void> {}

export async function habits(state: State, places: Places): Promise<string> {
  write(); // expect: @typescript-eslint/no-floating-promises
  setTimeout(write, 10); // expect: @typescript-eslint/no-misused-promises
  await places; // expect: @typescript-eslint/await-thenable
  const anything: any = state; // expect: @typescript-eslint/no-explicit-any
  if (anything == null) throw 'a text is no error'; // expect: @typescript-eslint/only-throw-error, eqeqeq
  console.log(state); // expect: no-console
  // prettier-ignore
  switch (state) { // expect: @typescript-eslint/switch-exhaustiveness-check
    case 'OPEN': return 'open';
  }
  return 'closed';
}

export function wide(a: number, b: number, c: number, d: number, e: number): number { // expect: max-params
  return a + b + c + d + e;
}

export default habits; // expect: import-x/no-default-export
