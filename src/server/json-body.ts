/** The one kind of body that is taken: JSON in UTF-8. */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';

/** Replaces Fastify's parsers, which take plain text too and read broken UTF-8 as if it were right. */
export function takeJsonOnly(server: FastifyInstance): void {
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    // Two accounts whose names differ in broken bytes only would become one.
    if (!isUtf8(body)) return done(Object.assign(new Error('The body is not UTF-8.'), { statusCode: 400 }), undefined);
    return parseJson(request, body.toString('utf8'), done);
  });
}
