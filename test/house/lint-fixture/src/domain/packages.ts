import assert from 'node:assert';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs'; // expect: no-restricted-imports
import { request } from 'node:http'; // expect: no-restricted-imports
import fastify from 'fastify'; // expect: no-restricted-imports
import { run } from 'graphile-worker'; // expect: no-restricted-imports
import { Client } from 'pg'; // expect: no-restricted-imports
import { ObjectType } from 'type-graphql'; // expect: no-restricted-imports
import type { EntityManager } from 'typeorm'; // expect: no-restricted-imports
import { env } from 'node:process'; // expect: no-restricted-imports, no-restricted-imports
import Decimal from 'decimal.js';
import { DateTime } from 'luxon';
import { rounded } from './rules';

export const used = [assert, createHash, readFileSync, request, fastify, run, Client, ObjectType, env, Decimal, DateTime];
export const places = rounded;
export type Used = EntityManager;
