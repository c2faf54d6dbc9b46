/**
 * Keeps the API key the page sends: for this tab only, or on this device when the user asks for it. The key never enters
 * GraphiQL's own storage or its tabs.
 */
const STORAGE_NAME = 'fusion-billing:api-key';

/** What the user entered: `key` is empty while there is none. */
export interface StoredKey {
  key: string;
  remember: boolean;
}

/** What every key begins with. */
export const KEY_PREFIX = 'fb_';

/** Whether the text has the form of a key, so that one still being typed is not taken for a wrong one. */
export function isWellFormed(key: string): boolean {
  return /^fb_[\w-]{32,200}$/.test(key);
}

export function loadKey(): StoredKey {
  const remembered = localStorage.getItem(STORAGE_NAME);
  if (remembered !== null) return { key: remembered, remember: true };
  return { key: sessionStorage.getItem(STORAGE_NAME) ?? '', remember: false };
}

/** Stores the key in exactly one place, and nowhere when it is empty. */
export function saveKey({ key, remember }: StoredKey): void {
  sessionStorage.removeItem(STORAGE_NAME);
  localStorage.removeItem(STORAGE_NAME);
  if (key !== '') (remember ? localStorage : sessionStorage).setItem(STORAGE_NAME, key);
}
