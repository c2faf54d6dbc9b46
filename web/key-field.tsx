/** The bar above GraphiQL: where the API key is entered, and whether one is missing. */
import { useId, useState, type ChangeEvent, type ReactElement } from 'react';
import { isWellFormed, KEY_PREFIX, type StoredKey } from './api-key';

/** Says in one short sentence what the key that stands in the field is good for. */
function describeKey(key: string): { tone: 'missing' | 'wrong' | 'set'; text: string } {
  if (key === '') return { tone: 'missing', text: 'No API key yet: only the schema can be read.' };
  if (!isWellFormed(key)) return { tone: 'wrong', text: `Not a whole key: ${KEY_PREFIX} and at least 32 characters.` };
  return { tone: 'set', text: 'Sent with every request.' };
}

export function KeyField(props: { stored: StoredKey; onChange: (stored: StoredKey) => void }): ReactElement {
  const { stored, onChange } = props;
  const fieldId = useId();
  const hintId = useId();
  const [shown, setShown] = useState(false);
  const hint = describeKey(stored.key);
  const changeKey = (event: ChangeEvent<HTMLInputElement>): void =>
    onChange({ ...stored, key: event.target.value.trim() });
  const changeRemember = (event: ChangeEvent<HTMLInputElement>): void =>
    onChange({ ...stored, remember: event.target.checked });

  return (
    <header className="bar">
      <strong className="bar-name">Fusion Billing</strong>
      <label htmlFor={fieldId}>API key</label>
      <input
        id={fieldId}
        className="bar-key"
        type={shown ? 'text' : 'password'}
        value={stored.key}
        onChange={changeKey}
        placeholder={`${KEY_PREFIX}…`}
        aria-describedby={hintId}
        autoComplete="off"
        spellCheck={false}
      />
      <button type="button" onClick={() => setShown(!shown)} aria-pressed={shown}>
        {shown ? 'Hide' : 'Show'}
      </button>
      <button type="button" onClick={() => onChange({ key: '', remember: false })} disabled={stored.key === ''}>
        Clear
      </button>
      <label className="bar-remember">
        <input type="checkbox" checked={stored.remember} onChange={changeRemember} disabled={stored.key === ''} />
        Remember on this device
      </label>
      <span id={hintId} className={`bar-hint bar-hint-${hint.tone}`} role="status">
        {hint.text}
      </span>
    </header>
  );
}
