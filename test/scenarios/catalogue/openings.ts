/** Where most scenarios begin. */

/** The first of March in UTC, an order of that day, Odoo's run at noon. */
export const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };
