/** Account links: which Odoo partner pays for a service's own account, and since when. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { invalid, parseInstant, parseText } from '../domain/parse';
import { AccountLink } from '../entities/account-link';
import { Partner } from '../entities/partner';
import { enqueue } from '../queue';
import { asUuid, notFound, searchable, visibleServiceId, visibleServiceIdOrAll } from './access';
import { writeAudit } from './audit';
import { lockService, lockServiceInUse, refuseArchived, storeChanges } from './catalog-change';
import { bumpCatalogVersion } from './catalog-version';
import { ensurePartnerMirrored } from './mirror-ensure';
import { isHead } from './ledger-sql';
import { byId, fetchPage, narrowToArchived, type Page, type PageArgs } from './page';
import { inTransaction, violatedConstraint } from './transaction';

export interface CreateAccountLinkInput {
  service?: string | null;
  account: string;
  partnerOdooId: number;
  /** Now when not given. */
  validFrom?: string | null;
  validTo?: string | null;
  /** Pins the account's usage to the contract of this order. */
  subscriptionOdooId?: number | null;
}

/**
 * Ties an account to the partner who pays for it.
 * @throws BillingError NOT_FOUND for a partner or subscription Odoo does not have, CONFLICT when the account is linked in that time.
 */
export async function createAccountLink(
  ctx: Ctx,
  input: CreateAccountLinkInput,
): Promise<{ accountLink: AccountLink }> {
  const account = parseText(input.account, 'account', 200);
  const validFrom = input.validFrom ? parseInstant(input.validFrom, 'validFrom') : ctx.now;
  const validTo = input.validTo ? parseInstant(input.validTo, 'validTo') : null;
  if (validTo !== null && validTo <= validFrom) {
    throw invalid('validTo', 'validTo must lie after validFrom.');
  }
  const serviceId = await visibleServiceId(ctx, input.service);
  await ensurePartnerMirrored(ctx, input.partnerOdooId, 'partnerOdooId');
  return inTransaction(ctx, async (tx) => {
    await lockServiceInUse(tx, serviceId);
    const partner = await tx.findOneBy(Partner, { odooId: input.partnerOdooId });
    if (partner === null) throw notFound('partner', 'partnerOdooId');
    const accountLink = tx.create(AccountLink, {
      serviceId,
      account,
      partnerId: partner.id,
      contractId: await pinnedContract(tx, partner, input.subscriptionOdooId ?? null),
      validFrom,
      validTo,
      createdAt: ctx.now,
      archivedAt: null,
    });
    await tx.save(accountLink).catch(refuseOverlap);
    await bumpCatalogVersion(tx, [serviceId]);
    const { partnerOdooId, subscriptionOdooId = null } = input;
    await writeAudit(tx, ctx, {
      action: 'account_link.created',
      subjectType: 'account_link',
      subjectId: accountLink.id,
      serviceId,
      details: { account, partnerOdooId, subscriptionOdooId, validFrom, validTo },
    });
    return { accountLink };
  });
}

export interface UpdateAccountLinkInput {
  id: string;
  /** Untouched when not given; null: the link stays. */
  validTo?: string | null;
  /** Untouched when not given; null takes the pin away. What is recorded already stays where it is. */
  subscriptionOdooId?: number | null;
}

/**
 * Changes until when a link holds, or which contract it is pinned to.
 * @throws BillingError NOT_FOUND, VALIDATION_FAILED, CONFLICT when it is archived, when usage counts after the new end, or when
 * the account is linked again then.
 */
export async function updateAccountLink(
  ctx: Ctx,
  input: UpdateAccountLinkInput,
): Promise<{ accountLink: AccountLink }> {
  const validTo = typeof input.validTo === 'string' ? parseInstant(input.validTo, 'validTo') : input.validTo;
  return changeLink(ctx, { id: input.id, action: 'account_link.updated' }, async (tx, link) => {
    if (validTo instanceof Date) await refuseEnd(tx, link, { at: validTo, field: 'validTo' });
    const contractId =
      input.subscriptionOdooId === undefined
        ? undefined
        : await pinnedContract(tx, await tx.findOneByOrFail(Partner, { id: link.partnerId }), input.subscriptionOdooId);
    return { validTo, contractId };
  });
}

export interface EndAccountLinkInput {
  id: string;
  /** Now when not given. */
  at?: string | null;
}

/**
 * Ends a link: usage that counts from `at` on is refused. One that has ended by then stays as it is.
 * @throws BillingError NOT_FOUND, VALIDATION_FAILED, CONFLICT when it is archived or usage counts from then on.
 */
export async function endAccountLink(ctx: Ctx, input: EndAccountLinkInput): Promise<{ accountLink: AccountLink }> {
  const at = input.at ? parseInstant(input.at, 'at') : ctx.now;
  return changeLink(ctx, { id: input.id, action: 'account_link.ended' }, async (tx, link) => {
    if (link.validTo !== null && link.validTo <= at) return {};
    await refuseEnd(tx, link, { at, field: 'at' });
    return { validTo: at };
  });
}

/**
 * Takes back a link that was made by mistake, so that the account can be linked anew from its beginning. Archiving it again
 * changes nothing.
 * @throws BillingError NOT_FOUND, CONFLICT when it has usage: such a link is ended.
 */
export async function archiveAccountLink(ctx: Ctx, input: { id: string }): Promise<{ accountLink: AccountLink }> {
  return changeLink(ctx, { id: input.id, action: 'account_link.archived' }, async (tx, link) => {
    if (link.archivedAt !== null) return {};
    const used = await tx.query<unknown[]>('select 1 from usage_record where account_link_id = $1 limit 1', [link.id]);
    if (used.length > 0) {
      throw new BillingError('CONFLICT', 'The link has usage and cannot be archived: end it.', { field: 'id' });
    }
    return { archivedAt: ctx.now };
  });
}

interface LinkValues {
  validTo?: Date | null | undefined;
  contractId?: string | null | undefined;
  archivedAt?: Date;
}

/** Stores what `decide` makes of the link; an archived one can only be archived again. */
async function changeLink(
  ctx: Ctx,
  { id, action }: { id: string; action: 'account_link.updated' | 'account_link.ended' | 'account_link.archived' },
  decide: (tx: EntityManager, link: AccountLink) => Promise<LinkValues>,
): Promise<{ accountLink: AccountLink }> {
  const uuid = asUuid(id, 'account link');
  const known = (await accountLinksByIds(ctx, [uuid])).get(uuid);
  if (known === undefined) throw notFound('account link', 'id');
  const { serviceId } = known;
  return inTransaction(ctx, async (tx) => {
    await lockService(tx, serviceId);
    const row = await tx.findOneByOrFail(AccountLink, { id: uuid });
    if (action !== 'account_link.archived') {
      refuseArchived(row, { noun: 'account link', name: row.account, field: 'id' });
    }
    const values = await decide(tx, row);
    await storeChanges(tx, ctx, { entity: AccountLink, row, values, action, serviceId }).catch(refuseOverlap);
    // Waiting records may have found their contract.
    if (values.contractId) await enqueue(tx, 'assign-usage', {}, { jobKey: 'assign-usage' });
    return { accountLink: row };
  });
}

/** What is recorded stays within the link. A record on its way meanwhile counts like one that came a moment earlier. */
async function refuseEnd(
  tx: EntityManager,
  link: AccountLink,
  { at, field }: { at: Date; field: string },
): Promise<void> {
  if (at <= link.validFrom) {
    const from = link.validFrom.toISOString();
    throw invalid(
      field,
      `${field} must lie after the link's beginning, ${from}; a link without usage can be archived.`,
    );
  }
  const [last] = await tx.query<{ counted_at: Date | null }[]>(
    `select max(u.counted_at) as counted_at from usage_record u
      where u.account_link_id = $1 and u.counted_at >= $2 and ${isHead('u')}`,
    [link.id, at],
  );
  const countedAt = last?.counted_at ?? null;
  if (countedAt === null) return;
  const message = `Usage of the account counts at ${countedAt.toISOString()}: end the link after it, or void the usage first.`;
  throw new BillingError('CONFLICT', message, { field, countedAt: countedAt.toISOString() });
}

export interface AccountLinkFilter {
  service?: string | null;
  account?: string | null;
  partnerOdooId?: number | null;
  /** Holding at this instant. */
  validAt?: string | null;
  /** Only those out of use, or only those in use. */
  archived?: boolean | null;
}

/** Links of a service, or all that the caller may see, the oldest first. */
export async function listAccountLinks(
  ctx: Ctx,
  filter: AccountLinkFilter,
  page: PageArgs,
): Promise<Page<AccountLink>> {
  const serviceId = await visibleServiceIdOrAll(ctx, filter.service);
  const query = ctx.db.createQueryBuilder(AccountLink, 'link');
  if (serviceId !== null) query.andWhere('link.service_id = :serviceId', { serviceId });
  if (filter.account !== null && filter.account !== undefined) {
    query.andWhere('link.account = :account', { account: searchable(filter.account) });
  }
  if (filter.partnerOdooId !== null && filter.partnerOdooId !== undefined) {
    query.innerJoin(Partner, 'partner', 'partner.id = link.partner_id');
    query.andWhere('partner.odoo_id = :odooId', { odooId: filter.partnerOdooId });
  }
  if (filter.validAt) {
    query.andWhere('link.valid_from <= :validAt and (link.valid_to is null or link.valid_to > :validAt)', {
      validAt: parseInstant(filter.validAt, 'validAt'),
    });
  }
  narrowToArchived(query, 'link', filter.archived);
  return fetchPage(query, byId('link'), page);
}

export async function accountLinksByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, AccountLink>> {
  const query = ctx.db.createQueryBuilder(AccountLink, 'link').where('link.id = any(:ids)', { ids });
  if (ctx.actor.serviceId !== null) query.andWhere('link.service_id = :serviceId', { serviceId: ctx.actor.serviceId });
  return new Map((await query.getMany()).map((link) => [link.id, link]));
}

/** The contract of an order that belongs to the partner's company; another's is as good as none. */
async function pinnedContract(tx: EntityManager, partner: Partner, orderOdooId: number | null): Promise<string | null> {
  if (orderOdooId === null) return null;
  const [row] = await tx.query<{ contract_id: string }[]>(
    `select s.contract_id from subscription s join partner p on p.odoo_id = s.partner_odoo_id
      where s.odoo_id = $1 and p.commercial_partner_odoo_id = $2`,
    [orderOdooId, partner.commercialPartnerOdooId],
  );
  if (row === undefined) throw notFound('subscription', 'subscriptionOdooId');
  return row.contract_id;
}

function refuseOverlap(error: unknown): never {
  if (violatedConstraint(error) !== 'account_link_overlap_excl') throw error;
  throw new BillingError('CONFLICT', 'The account is linked in this time already.', { field: 'account' });
}
