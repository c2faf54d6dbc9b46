/** Variables that say who may call, and through whom: lists of origins, addresses and networks. */
import { isIP } from 'node:net';
import { z } from 'zod';

/** Origins exactly as browsers send them. */
export const origins = listOf(isOrigin, 'must be origins such as https://admin.example.com, separated by commas');

/** Addresses and networks of proxies. A number of proxies would believe whoever comes without passing through them. */
export const proxies = listOf(isNetwork, 'must be addresses and networks such as 10.0.0.0/8, separated by commas');

function listOf(isGood: (item: string) => boolean, message: string): z.ZodType<string[], string> {
  return z
    .string()
    .transform((text) => text.split(',').map((item) => item.trim()))
    .refine((items) => items.every(isGood), message);
}

/** No path, no wildcard, no user; the port only where it is not the usual one. */
function isOrigin(text: string): boolean {
  return /^https?:[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

const NAMED_NETWORKS = ['loopback', 'linklocal', 'uniquelocal'];

/** "10.0.0.7", "10.0.0.0/8", "fd00::/8", "uniquelocal". */
function isNetwork(text: string): boolean {
  if (NAMED_NETWORKS.includes(text)) return true;
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}
