export const name = 'resolvers/schema';
