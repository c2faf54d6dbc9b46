/** The statements that read the state of contracts; `$1` are their ids. */
import { METRIC_RULES } from './catalog-metric-rules';
import { boundHere, ratedHere } from './charge-binding';

/** The newest order of each contract of $1. */
const ORDERS = `(
    select distinct on (contract_id) * from subscription
     where contract_id = any ($1) order by contract_id, contract_sequence desc)`;

export const CONTRACTS_SQL = `
  select c.id, c.seen_next_invoice_on::text, c.seen_invoice_odoo_id, s.id as order_id, s.odoo_id as order_odoo_id, s.order_state,
         s.subscription_state, s.start_on::text, s.next_invoice_on::text, s.gone_at is not null as gone, s.synced_at,
         y.code as currency, y.decimal_places as places, p.period_count, p.period_unit,
         s.plan_odoo_id,
         (select coalesce(json_object_agg(pin.metric_id, coalesce(h.first_id, h.id)), '{}') from charge_pin pin
            join charge h on h.id = pin.charge_id
           where pin.contract_id = c.id and not exists (select 1 from charge_pin later where later.contract_id = c.id
             and later.metric_id = pin.metric_id and later.id > pin.id)) as pins,
         (select coalesce(json_object_agg(pin.product_id, pin.subscription_line_id), '{}') from line_pin pin
           where pin.contract_id = c.id and pin.subscription_line_id is not null and not exists (
             select 1 from line_pin later where later.contract_id = c.id
                and later.product_id = pin.product_id and later.id > pin.id)) as line_pins
    from contract c
    join ${ORDERS} s on s.contract_id = c.id
    join currency y on y.odoo_id = s.currency_odoo_id
    left join plan p on p.odoo_id = s.plan_odoo_id`;

export const LINES_SQL = `
  select s.contract_id as "contractId", l.id, l.odoo_id as "odooId", p.id as "productId", l.unit_price as "unitPrice",
         l.discount, l.delivered_quantity as "deliveredQuantity"
    from ${ORDERS} s
    join subscription_line l on l.subscription_odoo_id = s.odoo_id and l.gone_at is null
    join product p on p.odoo_id = l.product_odoo_id
   where exists (select 1 from charge c where c.product_id = p.id)
   order by l.odoo_id`;

/** Of a charge `c` with its metric `m`, its product `p` and its first version `first`. */
export const CHARGE_COLUMNS = `c.id, c.service_id as "serviceId", c.metric_id as "metricId", m.code as "metricCode",
         m.unit as "metricUnit", ${METRIC_RULES}, m.expects, c.on_gap as "onGap", c.product_id as "productId", p.name as "productName", c.mode, c.price,
         c.currency, c.free_units as "freeUnits", c.units_per_product_unit as "unitsPerProductUnit",
         c.minimum_amount as "minimumAmount", c.filters, c.group_by as "groupBy", c.plan_odoo_id as "planOdooId",
         c.contract_id as "boundContractId", first.id as "firstId", c.valid_from::text as "validFrom", c.valid_to::text as "validTo",
         first.created_at as "createdAt", c.archived_at as "archivedAt"`;

/** Each charge once, with the contracts it is of. */
export const CHARGES_SQL = `
  select array_agg(s.contract_id) as "contractIds", ${CHARGE_COLUMNS}
    from (select contract_id, product_id, max(plan_odoo_id) as plan_odoo_id, bool_or(written) as written
            from (select s.contract_id, p.id as product_id, s.plan_odoo_id, false as written
                    from ${ORDERS} s
                    join subscription_line l on l.subscription_odoo_id = s.odoo_id
                    join product p on p.odoo_id = l.product_odoo_id
                  union all
                  select contract_id, product_id, null, true from write_back where contract_id = any ($1)) known
           group by contract_id, product_id) s
    join charge c on c.product_id = s.product_id
     and (${boundHere('c')} or c.contract_id is null and (s.written or ${ratedHere('c')}))
    join charge first on first.id = coalesce(c.first_id, c.id)
    join metric m on m.id = c.metric_id
    join product p on p.id = c.product_id
   group by c.id, first.id, m.id, p.id
   order by c.product_id, c.id`;

export const SPANS_SQL = `
  select contract_id as "contractId", service_id as "serviceId", biller, starts_at as "startsAt", ends_at as "endsAt",
         invoices_after_odoo_id as "invoicesAfterOdooId"
    from biller_span where contract_id = any ($1) order by service_id, starts_at nulls first`;

export const PERIODS_SQL = `
  select contract_id as "contractId", id, start_on::text as "startOn", end_on::text as "endOn", start_at as "start",
         end_at as "end", state = 'CLOSED' as closed, dirty, derived and confirmed_at is null as unconfirmed
    from billing_period where contract_id = any ($1) order by start_at`;
