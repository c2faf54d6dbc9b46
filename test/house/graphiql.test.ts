/** GraphiQL comes from this server alone: the built files load nothing from elsewhere, and the browser is told to refuse it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import fastify, { type FastifyInstance } from 'fastify';
import { registerGraphiql } from '../../src/graphiql';

const root = path.resolve('dist/web');

/**
 * Where a browser loads from. An address with a host in one of these places is a foreign asset; elsewhere (a namespace,
 * a link in a message, a comment) it is only text, and the content policy stands behind that.
 */
const HOST = String.raw`(?:(?:https?|wss?):)?\/\/[\w.-]`;
const LOADERS: Record<string, RegExp[]> = {
  '.html': [new RegExp(String.raw`\s(?:src|href|srcset|action|data)\s*=\s*["']?\s*${HOST}`, 'i')],
  '.css': [new RegExp(String.raw`(?:url\(|@import)\s*["']?\s*${HOST}`, 'i')],
  '.js': [
    new RegExp(String.raw`(?:\bimport|\bfrom)\s*\(?\s*["'\x60]${HOST}`),
    new RegExp(String.raw`\b(?:fetch|importScripts|sendBeacon|Worker|WebSocket|EventSource)\s*\(\s*["'\x60]${HOST}`),
    new RegExp(String.raw`\.open\(\s*["'\x60]\w+["'\x60]\s*,\s*["'\x60]${HOST}`),
    new RegExp(String.raw`\.(?:src|href)\s*=\s*["'\x60]${HOST}`),
    new RegExp(String.raw`\bsetAttribute\(\s*["'\x60](?:src|href)["'\x60]\s*,\s*["'\x60]${HOST}`),
  ],
};

function foreignLoads(extension: string, text: string): string[] {
  return (LOADERS[extension] ?? []).flatMap((loader) => {
    const found = loader.exec(text);
    return found === null ? [] : [text.slice(found.index, found.index + 120)];
  });
}

let server: FastifyInstance;

beforeAll(async () => {
  if (!existsSync(path.join(root, 'index.html'))) {
    const vite = path.resolve('node_modules/vite/bin/vite.js');
    await promisify(execFile)(process.execPath, [vite, 'build', '--config', 'web/vite.config.mts']);
  }
  server = fastify();
  await registerGraphiql(server, { root });
}, 120_000);

afterAll(() => server.close());

it.each([
  ['.html', '<script src="https://cdn.example.com/a.js">'],
  ['.html', '<link rel="preload" href=//cdn.example.com/a.css>'],
  ['.css', 'a{background:url(https://cdn.example.com/a.png)}'],
  ['.css', '@import "//cdn.example.com/a.css";'],
  ['.js', 'const a=await import("https://cdn.example.com/a.js")'],
  ['.js', 'import{a}from"https://cdn.example.com/a.js"'],
  ['.js', 'fetch(`https://api.example.com/v1`)'],
  ['.js', 'new Worker("https://cdn.example.com/worker.js")'],
  ['.js', 'r.open("GET","https://api.example.com")'],
  ['.js', 's.src="//cdn.example.com/a.js"'],
])('the scan of a %s file finds %s', (extension, text) => {
  expect(foreignLoads(extension, text)).toHaveLength(1);
});

it.each([
  ['.html', '<script type="module" src="/graphiql/assets/a.js">'],
  ['.css', 'a{background:url(data:image/svg+xml;base64,aa)}b{src:url(./a.woff2)}'],
  ['.js', 'createElementNS("http://www.w3.org/2000/svg","path");import("./a.js");fetch("/graphql")'],
])('the scan of a %s file passes %s', (extension, text) => {
  expect(foreignLoads(extension, text)).toEqual([]);
});

it('no built file loads anything from another origin', async () => {
  const names = (await readdir(root, { recursive: true })).filter((name) => path.extname(name) in LOADERS);
  expect(new Set(names.map((name) => path.extname(name)))).toEqual(new Set(['.html', '.css', '.js']));
  for (const name of names) {
    const loads = foreignLoads(path.extname(name), await readFile(path.join(root, name), 'utf8'));
    expect({ name, loads }).toEqual({ name, loads: [] });
  }
});

it.each(['/graphiql', '/graphiql/'])('%s answers the page, and each file it names is served', async (url) => {
  const page = await server.inject({ method: 'GET', url });
  expect(page.statusCode).toBe(200);
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(page.headers['cache-control']).toBe('no-cache');
  const named = [...page.body.matchAll(/\s(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address);
  expect(named.length).toBeGreaterThanOrEqual(3);
  for (const address of named) {
    expect(address).toMatch(/^\/graphiql\//);
    expect((await server.inject({ method: 'GET', url: address })).statusCode).toBe(200);
  }
});

it('assets, whose names carry a hash, may be kept for a year', async () => {
  const [name = ''] = (await readdir(path.join(root, 'assets'))).filter((file) => file.endsWith('.js'));
  const asset = await server.inject({ method: 'GET', url: `/graphiql/assets/${name}` });
  expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  expect(asset.headers['content-security-policy']).toBeDefined();
});

it('the content policy names no origin but this one, and forbids inline and evaluated scripts', async () => {
  for (const url of ['/graphiql', '/graphiql/', '/graphiql/assets/missing.js']) {
    const answer = await server.inject({ method: 'GET', url });
    const policy = String(answer.headers['content-security-policy']);
    const directives = new Map(policy.split('; ').map((part) => [part.split(' ')[0], part.split(' ').slice(1)]));
    expect(directives.get('default-src')).toEqual(["'none'"]);
    expect(directives.get('script-src')).toEqual(["'self'"]);
    expect(directives.get('connect-src')).toEqual(["'self'"]);
    expect(directives.get('worker-src')).toEqual(["'self'"]);
    const sources = new Set([...directives.values()].flat());
    expect(sources).toEqual(new Set(["'none'", "'self'", "'unsafe-inline'", 'data:']));
    const inline = [...directives].filter(([, allowed]) => allowed.includes("'unsafe-inline'")).map(([name]) => name);
    expect(inline).toEqual(['style-src']);
  }
});

it('nothing outside the built folder can be read', async () => {
  for (const url of ['/graphiql/../package.json', '/graphiql/..%2fpackage.json', '/graphiql/%2e%2e/src/config.js']) {
    const answer = await server.inject({ method: 'GET', url });
    expect(answer.statusCode).toBeGreaterThanOrEqual(400);
  }
});

it('a server without the built page starts and answers 404', async () => {
  const bare = fastify();
  await registerGraphiql(bare, { root: path.resolve('dist/no-such-folder') });
  const answer = await bare.inject({ method: 'GET', url: '/graphiql' });
  await bare.close();
  expect(answer.statusCode).toBe(404);
});
