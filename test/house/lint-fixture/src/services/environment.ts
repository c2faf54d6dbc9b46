import { env } from 'node:process'; // expect: no-restricted-imports

const { env: taken } = process; // expect: no-restricted-properties
export const level = process.env.LOG_LEVEL ?? env.LOG_LEVEL ?? taken.LOG_LEVEL; // expect: no-restricted-properties
