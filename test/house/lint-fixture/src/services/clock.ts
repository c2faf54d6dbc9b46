export const nowMs = Date.now(); // expect: no-restricted-syntax
export const float = Number('1');
