/** Account links: which Odoo partner pays for a service's own account, and since when. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { invalid, parseInstant, parseText } from '../domain/parse';
import { AccountLink } from '../entities/account-link';
import { Partner } from '../entities/partner';
import { notFound, searchable, visibleServiceId, visibleServiceIdOrAll } from './access';
import { writeAudit } from './audit';
import { bumpCatalogVersion } from './catalog-version';
import { ensurePartnerMirrored } from './mirror-ensure';
import { byId, fetchPage, type Page, type PageArgs } from './page';
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

export interface AccountLinkFilter {
  service?: string | null;
  account?: string | null;
  partnerOdooId?: number | null;
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
