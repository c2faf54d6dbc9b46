/** What Odoo billed, in GraphQL: settlements of slots, invoice lines, and the invoices they stand on. */
import { Ctx as Context, FieldResolver, Resolver, Root } from 'type-graphql';
import type { Ctx } from '../ctx';
import { BillingPeriod } from '../entities/billing-period';
import { Invoice } from '../entities/invoice';
import { InvoiceLine } from '../entities/invoice-line';
import { Product } from '../entities/product';
import { SlotSettlement } from '../entities/slot-settlement';
import { SubscriptionLine } from '../entities/subscription-line';
import { invoiceLinesByIds, invoicesByOdooIds } from '../services/trace-reads';
import {
  currencyCodeByOdooId,
  loader,
  periodById,
  productById,
  productByOdooId,
  subscriptionLineById,
} from './loaders';

const invoiceLineById = loader(invoiceLinesByIds);
const invoiceByOdooId = loader(invoicesByOdooIds);

@Resolver(() => SlotSettlement)
export class SlotSettlementsResolver {
  @FieldResolver(() => BillingPeriod, { description: 'The period whose slot it was.' })
  period(@Root() settlement: SlotSettlement, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return periodById(ctx).load(settlement.periodId);
  }

  @FieldResolver(() => Product, { description: 'The product whose balance it entered.' })
  product(@Root() settlement: SlotSettlement, @Context() ctx: Ctx): Promise<Product | null> {
    return productById(ctx).load(settlement.productId);
  }

  @FieldResolver(() => SubscriptionLine, { nullable: true, description: 'The line of the order that was billed.' })
  line(@Root() settlement: SlotSettlement, @Context() ctx: Ctx): Promise<SubscriptionLine | null> {
    return subscriptionLineById(ctx).load(settlement.subscriptionLineId);
  }

  @FieldResolver(() => InvoiceLine, {
    nullable: true,
    description: 'The invoice line; null when the date moved on over nothing due.',
  })
  async invoiceLine(@Root() settlement: SlotSettlement, @Context() ctx: Ctx): Promise<InvoiceLine | null> {
    return settlement.invoiceLineId === null ? null : invoiceLineById(ctx).load(settlement.invoiceLineId);
  }
}

@Resolver(() => InvoiceLine)
export class InvoiceLinesResolver {
  @FieldResolver(() => Invoice, { description: 'The invoice it stands on.' })
  invoice(@Root() line: InvoiceLine, @Context() ctx: Ctx): Promise<Invoice | null> {
    return invoiceByOdooId(ctx).load(line.invoiceOdooId);
  }

  @FieldResolver(() => Product, { nullable: true, description: 'What it bills; null when it has no product.' })
  async product(@Root() line: InvoiceLine, @Context() ctx: Ctx): Promise<Product | null> {
    return line.productOdooId === null ? null : productByOdooId(ctx).load(line.productOdooId);
  }
}

@Resolver(() => Invoice)
export class InvoicesResolver {
  @FieldResolver(() => String, { description: 'Currency of its amounts, three letters: "USD".' })
  currency(@Root() invoice: Invoice, @Context() ctx: Ctx): Promise<string | null> {
    return currencyCodeByOdooId(ctx).load(invoice.currencyOdooId);
  }
}
