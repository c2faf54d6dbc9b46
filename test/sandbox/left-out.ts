/**
 * The recorded exchanges that are not replayed, each with its reason; a range stands for every number in it. None of them
 * is a call that our client makes: the replay checks it.
 */

const GROUPING = 'no grouping: the client never groups in Odoo';
const METHOD = 'a method the client never calls; its effect is set through the control where later exchanges need it';
const WIZARD = 'a wizard of the interface; the control makes the invoice, credit note or payment instead';

export const LEFT_OUT: Record<string, string> = {
  '117-119': GROUPING,
  '133': METHOD,
  '139': METHOD,
  '220': GROUPING,
  '223-224': METHOD,
  '419': 'NaN is no JSON: no client of ours can send it, nor does it call write',
  '436': 'the client writes no orders; the foreign key to users is not played',
  '447-449': 'partners are never written or deleted by the client',
  '454': METHOD,
  '459-460': METHOD,
  '464-469': METHOD,
  '471': 'the discussion of an order is not read',
  '501-502':
    'a connection lost within `write`, which the client never calls; web_save meets the class by the serialization fault',
  '600-601': WIZARD,
  '603': METHOD,
  '608-609': WIZARD,
  '612': WIZARD,
  '616': METHOD,
  '700-704': 'the older interfaces and the key service: not called',
  '800-815': 'Odoo calling us: automation rules are not played',
};

/** The reason for leaving an exchange out, by its number. */
export function reasonFor(number: string): string | undefined {
  const range = Object.keys(LEFT_OUT).find((key) => {
    const [first = '', last = first] = key.split('-');
    return number >= first && number <= last;
  });
  return range === undefined ? undefined : LEFT_OUT[range];
}
