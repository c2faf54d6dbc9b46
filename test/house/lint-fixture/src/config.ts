import './services/step'; // expect: import-x/no-restricted-paths

export const name = 'config';
export const level = process.env.LOG_LEVEL;
