/** What a caller is told whose service, account link or API key cannot be made, ended or given. */
import { startTestApp, type TestApp } from '../../support/app';
import { type RefusedInput, refused } from '../../support/refusals';
import { dataOf, makeKey, makeLink, mutate, seedService, type SeededService } from '../../support/seed';

let test: TestApp;
let service: SeededService;
let key: string;

beforeAll(async () => {
  test = await startTestApp();
  service = await seedService(test, { code: 'maps' });
  key = service.key;
});
afterAll(() => test.close());

const NOBODY = '00000000-0000-7000-8000-000000000000';

it.each<RefusedInput>([
  [
    'a code in capitals',
    { code: 'Maps' },
    'VALIDATION_FAILED',
    'code',
    'code must be 1 to 63 lower-case letters, digits, - and _, with a letter or digit first.',
  ],
  ['a code that is taken', { code: 'maps' }, 'CONFLICT', 'code', 'There is a service with this code already.'],
  [
    'no name',
    { name: '' },
    'VALIDATION_FAILED',
    'name',
    'name must be a text of 1 to 200 characters without control characters, not "".',
  ],
])('createService refuses %s', async (_, change, code, field, message) => {
  const input = { code: 'good', name: 'Good', ...change };
  expect(await refused({ test, key: test.adminKey }, 'createService', input)).toEqual({ code, field, message });
});

it('createService is for keys of the whole installation', async () => {
  expect(await refused({ test, key }, 'createService', { code: 'more', name: 'More' })).toEqual({
    code: 'FORBIDDEN',
    message: 'Only a key of the whole installation makes services.',
  });
});

it.each<RefusedInput>([
  [
    'an end that is no later than the beginning',
    { validFrom: '2026-03-02T00:00:00Z', validTo: '2026-03-02T00:00:00Z' },
    'VALIDATION_FAILED',
    'validTo',
    'validTo must lie after validFrom.',
  ],
  ['a partner that Odoo lacks', { partnerOdooId: 999_999 }, 'NOT_FOUND', 'partnerOdooId', 'No such partner.'],
  [
    'a subscription that Odoo lacks',
    { subscriptionOdooId: 999_999 },
    'NOT_FOUND',
    'subscriptionOdooId',
    'No such subscription.',
  ],
  [
    'a time in which the account is linked',
    { account: 'maps-account', validFrom: '2026-03-05T00:00:00Z' },
    'CONFLICT',
    'account',
    'The account is linked in this time already.',
  ],
])('createAccountLink refuses %s', async (_, change, code, field, message) => {
  const input = { account: 'new', partnerOdooId: service.odoo.partnerId, ...change };
  expect(await refused({ test, key }, 'createAccountLink', input)).toEqual({ code, field, message });
});

it.each(['endAccountLink', 'updateAccountLink', 'archiveAccountLink'])('%s refuses what is not there', async (name) => {
  expect(await refused({ test, key }, name, { id: NOBODY })).toEqual({
    code: 'NOT_FOUND',
    field: 'id',
    message: 'No such account link.',
  });
});

it('updateAccountLink refuses an archived one', async () => {
  const { partnerId: partnerOdooId } = service.odoo;
  const { id } = await makeLink(test, key, { account: 'old', partnerOdooId, validFrom: '2026-03-01T00:00:00Z' });
  await mutate(test, key, { name: 'archiveAccountLink', input: { id }, selection: 'accountLink { id }' });
  expect(await refused({ test, key }, 'updateAccountLink', { id, validTo: null })).toEqual({
    code: 'CONFLICT',
    field: 'id',
    message: 'The account link "old" is archived since 2026-03-10T12:00:00.000Z.',
  });
});

it.each<RefusedInput>([
  [
    'the name of the environment',
    { name: 'env' },
    'VALIDATION_FAILED',
    'name',
    'The name env is kept for the key of the environment.',
  ],
  ['no scopes', { scopes: [] }, 'VALIDATION_FAILED', 'scopes', 'A key has at least one scope.'],
  [
    'an end that is past',
    { expiresAt: '2026-03-10T11:59:59Z' },
    'VALIDATION_FAILED',
    'expiresAt',
    'expiresAt must lie ahead.',
  ],
])('createApiKey refuses %s', async (_, change, code, field, message) => {
  const input = { name: 'key', scopes: ['ADMIN'], ...change };
  expect(await refused({ test, key: test.adminKey }, 'createApiKey', input)).toEqual({ code, field, message });
});

it('createApiKey refuses a scope that the asking key lacks', async () => {
  const { secret } = await makeKey(test, 'maps', ['ADMIN', 'USAGE_READ']);
  expect(await refused({ test, key: secret }, 'createApiKey', { name: 'key', scopes: ['USAGE_WRITE'] })).toEqual({
    code: 'FORBIDDEN',
    field: 'scopes',
    message: 'This key lacks the scope usage:write and cannot give it.',
  });
});

describe('rotateApiKey refuses', () => {
  const rotate = (id: string, overlapHours = 24): ReturnType<typeof refused> =>
    refused({ test, key: test.adminKey }, 'rotateApiKey', { id, overlapHours });

  it('a key that is not there', async () => {
    expect(await rotate(NOBODY)).toEqual({ code: 'NOT_FOUND', field: 'id', message: 'No such API key.' });
  });

  it('an overlap of more than a month', async () => {
    expect(await rotate(service.keyId, 721)).toEqual({
      code: 'VALIDATION_FAILED',
      field: 'overlapHours',
      message: 'overlapHours must be from 0 to 720, not 721.',
    });
  });

  it('the key of the environment', async () => {
    const { viewer } = dataOf(await test.gql(test.adminKey, '{ viewer { apiKey { id } } }'));
    expect(await rotate(viewer.apiKey.id)).toEqual({
      code: 'CONFLICT',
      field: 'id',
      message: 'The key of the environment is changed in the environment.',
    });
  });

  it('a key that is revoked', async () => {
    const { id } = await makeKey(test, 'maps');
    await mutate(test, test.adminKey, { name: 'revokeApiKey', input: { id }, selection: 'apiKey { id }' });
    expect(await rotate(id)).toEqual({
      code: 'CONFLICT',
      field: 'id',
      message: 'The key is revoked or has expired; make a new one.',
    });
  });
});
