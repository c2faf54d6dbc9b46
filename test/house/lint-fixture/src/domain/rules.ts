export const rounded = 2;
