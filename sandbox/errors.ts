/** The errors of the JSON-2 interface: status, Python exception name and text, as recorded. */

export class OdooError extends Error {
  constructor(
    readonly status: number,
    readonly exception: string,
    message: string,
  ) {
    super(message);
  }

  /** The body Odoo answers; `werkzeug` exceptions repeat the status among their arguments. */
  body(): object {
    const args = this.exception.startsWith('werkzeug.') ? [this.message, this.status] : [this.message];
    return { name: this.exception, message: this.message, arguments: args, context: {}, debug: '<traceback>' };
  }
}

export const badRequest = (text: string) => new OdooError(400, 'werkzeug.exceptions.BadRequest', text);
export const unauthorized = (text: string) => new OdooError(401, 'werkzeug.exceptions.Unauthorized', text);
export const accessError = (text: string) => new OdooError(403, 'odoo.exceptions.AccessError', text);
export const notFound = (text: string) => new OdooError(404, 'werkzeug.exceptions.NotFound', text);
export const wrongParameters = (text: string) => new OdooError(422, 'werkzeug.exceptions.UnprocessableEntity', text);
export const userError = (text: string) => new OdooError(422, 'odoo.exceptions.UserError', text);
export const valueError = (text: string) => new OdooError(500, 'builtins.ValueError', text);
export const typeError = (text: string) => new OdooError(500, 'builtins.TypeError', text);

export function validationError(text: string): OdooError {
  return new OdooError(422, 'odoo.exceptions.ValidationError', `The operation cannot be completed: ${text}`);
}

export function missingError(model: string, id: unknown, uid: number): OdooError {
  const shown = typeof id === 'string' ? `'${id}'` : String(id);
  const text = `Record does not exist or has been deleted.\n(Record: ${model}(${shown},), User: ${uid})`;
  return new OdooError(404, 'odoo.exceptions.MissingError', text);
}

export function databaseError(name: string, text: string): OdooError {
  return new OdooError(500, `psycopg2.errors.${name}`, `${text}\n`);
}

export function serializationFailure(): OdooError {
  return databaseError('SerializationFailure', 'could not serialize access due to concurrent update');
}
