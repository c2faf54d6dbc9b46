export const name = 'sandbox';
