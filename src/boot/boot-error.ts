/** Why the product does not start, said to the person who started it: printed without a stack. */
export class BootError extends Error {}
