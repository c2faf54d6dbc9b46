export const name = 'entities/row';
