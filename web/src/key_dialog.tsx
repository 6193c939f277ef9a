// Asks for an API key when the server wants one.
import { useEffect, useRef, useState } from 'preact/hooks';
import { apiKey, keysGiven, keyWanted } from './api';
import { loadModels } from './load_models';

export function KeyDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  useEffect(() => dialog.current?.showModal(), []);
  const save = (event: Event) => {
    event.preventDefault();
    apiKey.set(text.trim());
    keyWanted.set(false);
    keysGiven.update((times) => times + 1);
    void loadModels();
  };
  return (
    <dialog ref={dialog} class="key-dialog" aria-labelledby="key-title" onClose={() => keyWanted.set(false)}>
      <form onSubmit={save}>
        <h2 id="key-title">This server wants a key</h2>
        <p>
          {apiKey.get() ? 'It does not know the one that this browser has.' : 'Whoever runs it can give you one.'} The key
          stays in this browser.
        </p>
        <label>
          API key
          <input
            type="password"
            autocomplete="off"
            value={text}
            onInput={(e) => setText(e.currentTarget.value)}
            placeholder="tk-…"
            required
          />
        </label>
        <div class="row end">
          <button type="button" class="plain" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Use this key
          </button>
        </div>
      </form>
    </dialog>
  );
}
