/**
 * Everything that leaves this process: each SQL statement and each call to Odoo, one message after the other. At a chosen one
 * the process "dies": its sockets are destroyed, it hears of nothing any more, and whatever it tries to send later reaches
 * nobody. The code under test knows nothing of it: the drivers' own functions are replaced.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Client, type Connection, Query } from 'pg';
import undici from 'undici';

/** Before: the message never leaves. After: the other side has carried it out, and its answer is lost. */
export type Position = 'before' | 'after';

export interface Death {
  /** The message at which the process dies, counted from 1. */
  at: number;
  position: Position;
}

export interface Life {
  /** Messages so far, the dying one included. */
  sent: string[];
  death?: Death | undefined;
  /** The message at which it died; undefined while it lives. */
  diedAt?: string;
  /** What dying is; by default it is cut off from everybody, for ever. */
  onDeath?: () => void;
}

/** By this name in `application_name` a connection of the test is told from the App's. */
export const OBSERVER = 'crash-observer';

let current: Life | undefined;
/** Whose work this is: one that is dead may still have timers. */
const ownLife = new AsyncLocalStorage<Life>();
const connections = new Set<AppConnection>();

/** Does `work` and counts what it sends on connections of its own and on those that were there before. */
export function live<T>(life: Life, work: () => Promise<T>): Promise<T> {
  countFor(life);
  return ownLife.run(life, work);
}

/** Whatever this process sends from here on is of this life; without one nothing is counted. */
export function countFor(life?: Life): void {
  current = life;
}

/** Ends a life that has not ended yet. */
export function die(life: Life, message: string): void {
  if (life.diedAt !== undefined) return;
  life.diedAt = message;
  life.onDeath?.();
  for (const connection of connections) {
    // Nobody is to hear that the connection has ended: nobody lives.
    connection.removeAllListeners();
    connection.on('error', () => undefined);
    connection.stream.destroy();
  }
  connections.clear();
}

/** Counts a message; `lost` when the sender is dead, or dies of it before it leaves, `last` when he dies of its answer. */
function count(message: string): 'lost' | 'last' | 'sent' {
  const life = current;
  if (life === undefined) return 'sent';
  if (life.diedAt !== undefined) return 'lost';
  life.sent.push(message);
  if (life.death?.at !== life.sent.length) return 'sent';
  if (life.death.position === 'after') return 'last';
  die(life, message);
  return 'lost';
}

type AppConnection = Connection & { stream: { destroy(): void }; ofApp?: true };
interface DriverClient {
  connection: AppConnection;
  connectionParameters: { application_name?: string };
  _connect(callback: (error?: Error) => void): void;
}
interface DriverQuery {
  text: string;
  submit(connection: AppConnection): Error | null;
  handleReadyForQuery(connection: AppConnection): void;
}

const client = Client.prototype as unknown as DriverClient;
const query = Query.prototype as unknown as DriverQuery;
const { _connect: connect } = client;
const { submit, handleReadyForQuery } = query;
const { request } = undici;
/** Statements at whose answer the process dies. */
const last = new WeakMap<DriverQuery, Life>();

client._connect = function (callback): void {
  if (ownLife.getStore()?.diedAt !== undefined) return;
  if (this.connectionParameters.application_name !== OBSERVER) {
    const { connection } = this;
    connection.ofApp = true;
    connections.add(connection);
    connection.once('end', () => connections.delete(connection));
  }
  connect.call(this, callback);
};

query.submit = function (connection): Error | null {
  if (connection.ofApp === undefined) return submit.call(this, connection);
  const fate = count(short(this.text));
  if (fate === 'lost') return null;
  if (fate === 'last' && current !== undefined) last.set(this, current);
  return submit.call(this, connection);
};

query.handleReadyForQuery = function (connection): void {
  const life = last.get(this);
  if (life === undefined) handleReadyForQuery.call(this, connection);
  else die(life, short(this.text));
};

async function watchedRequest(...[url, options]: Parameters<typeof request>): ReturnType<typeof request> {
  const own = ownLife.getStore() ?? current;
  const message = `POST ${new URL(String(url)).pathname}`;
  const fate = own === current ? count(message) : 'lost';
  if (fate === 'lost') return never();
  const response = await request(url, options);
  if (fate === 'last' && own !== undefined) die(own, message);
  return own?.diedAt === undefined ? response : never();
}
Object.assign(undici, { request: watchedRequest });

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function short(statement: string): string {
  return statement.replaceAll(/\s+/g, ' ').trim().slice(0, 160);
}
