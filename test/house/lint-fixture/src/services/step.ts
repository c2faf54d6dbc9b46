export const name = 'services/step';
