export const name = 'odoo/client';
