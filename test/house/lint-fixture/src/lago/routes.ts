export const name = 'lago/routes';
