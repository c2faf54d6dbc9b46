import { a } from './circle-a'; // expect: import-x/no-cycle

export const b = (): number => a() + 1;
