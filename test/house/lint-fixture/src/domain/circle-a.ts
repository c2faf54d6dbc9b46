import { b } from './circle-b'; // expect: import-x/no-cycle

export const a = (): number => b() + 1;
