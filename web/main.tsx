/** The page at /graphiql: the key bar and GraphiQL with the starter queries, its editor workers bundled. */
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './page.css';
import { GraphiQL } from 'graphiql';
import { StrictMode, useState, type ReactElement } from 'react';
import { createRoot } from 'react-dom/client';
import { isWellFormed, loadKey, saveKey, type StoredKey } from './api-key';
import { fetcher } from './fetcher';
import { KeyField } from './key-field';
import { starterTabs } from './starter-tabs';

const tabs = starterTabs(new Date());

function Page(): ReactElement {
  const [stored, setStored] = useState(loadKey);
  const [hasSchema, setHasSchema] = useState(false);
  const [attempt, setAttempt] = useState(0);

  const changeKey = (next: StoredKey): void => {
    saveKey(next);
    setStored(next);
    // In production the schema is shown to callers with a key only: with a new key it is asked for again.
    if (!hasSchema && next.key !== stored.key && isWellFormed(next.key)) setAttempt(attempt + 1);
  };

  return (
    <>
      <KeyField stored={stored} onChange={changeKey} />
      <main className="page-editor">
        <GraphiQL
          key={attempt}
          fetcher={fetcher}
          defaultTabs={tabs}
          defaultEditorToolsVisibility="variables"
          customScalarSchemas={{ Dimensions: { type: 'object' }, JSONObject: { type: 'object' } }}
          onSchemaChange={() => setHasSchema(true)}
        >
          <GraphiQL.Logo>GraphiQL</GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}

const root = document.getElementById('root');
if (root === null) throw new Error('The page has no element with the id "root".');
createRoot(root).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
