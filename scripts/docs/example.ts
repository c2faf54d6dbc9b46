/** The shape of the examples in docs/api.md: operations told in the order in which they are played on one installation. */
import type { SandboxControl } from '../../sandbox/control';

export type Variables = Record<string, unknown>;

/** Whose key an operation is sent with: the installation's, the service's, or one that may only read usage. */
export type Caller = 'installation' | 'service' | 'reader';

export interface Example {
  title: string;
  /** For strangers: what it is for, and what to notice in the answer. */
  text: string;
  /** The instant to which the clocks move first, with all that a worker does then; a second later when left out. */
  at?: string;
  /** Moves the clocks to `at` only, so that the worker has not come by yet. */
  idle?: boolean;
  /** What people do in Odoo before the clocks move. */
  odoo?: (odoo: SandboxControl) => Promise<unknown>;
  caller?: Caller;
  document: string;
  /** A text "{{name}}" is replaced by what an earlier example kept under that name. */
  variables?: Variables;
  /** What later examples need: a name, and where in `data` its value stands, as in "createService.service.id". */
  keep?: Record<string, string>;
  /** The code with which it is refused; it must succeed when left out. */
  refused?: string;
  /** Shows `extensions` of the answer too. */
  extensions?: boolean;
}

export interface Chapter {
  title: string;
  text: string;
  examples: readonly Example[];
}
