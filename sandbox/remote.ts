/** The control of a sandbox in another process, over its HTTP interface. */
import type { SandboxControl } from './control';

/** Methods of the control that answer something `JSON` cannot carry. */
const REVIVED: Partial<Record<keyof SandboxControl, (value: unknown) => unknown>> = {
  now: (value) => new Date(String(value)),
};

/** A control with the shape of the local one. A refusal of the sandbox is thrown with its text. */
export function connectSandbox(url: string, apiKey: string): SandboxControl {
  const call = async (name: keyof SandboxControl, args: unknown[]): Promise<unknown> => {
    const response = await fetch(`${url}/sandbox/${name}`, {
      method: 'POST',
      headers: { authorization: `bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(args),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(`sandbox ${name}: ${(answer as { message: string }).message}`);
    return REVIVED[name]?.(answer) ?? answer;
  };
  return new Proxy({} as SandboxControl, {
    get: (_target, name) =>
      name === 'then' ? undefined : (...args: unknown[]) => call(name as keyof SandboxControl, args),
  });
}
