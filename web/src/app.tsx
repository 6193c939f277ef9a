// The frame: the side with the chats, and beside it the open chat or the dashboard.
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { keyWanted } from './api';
import { Cell, useCell } from './cell';
import { ChatView } from './chat_view';
import { currentId, loadChats } from './chats';
import { stop } from './conversation';
import { KeyDialog } from './key_dialog';
import { loadModels } from './load_models';
import { theme } from './settings';
import { Sidebar } from './sidebar';

export type Place = 'chat' | 'dashboard';
const placeOf = (hash: string): Place => (hash === '#dashboard' ? 'dashboard' : 'chat');

export const place = new Cell<Place>(placeOf(location.hash));
export function go(to: Place): void {
  if (place.get() !== to) location.hash = to === 'dashboard' ? 'dashboard' : '';
}

export function App() {
  const at = useCell(place);
  const mode = useCell(theme);
  const wanted = useCell(keyWanted);
  const [open, setOpen] = useState(false); // the side, where it does not fit beside the chat

  useEffect(() => {
    const onHash = () => place.set(placeOf(location.hash));
    addEventListener('hashchange', onHash);
    void loadChats();
    void loadModels();
    return () => removeEventListener('hashchange', onHash);
  }, []);
  // Before the effects of what is within: charts read the theme's colours.
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = mode;
  }, [mode]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') (setOpen(false), stop());
      if (event.key.toLowerCase() === 'o' && event.shiftKey && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        currentId.set(null);
        go('chat');
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);

  return (
    <div class={`frame ${open ? 'side-open' : ''}`}>
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), document.getElementById('main')?.focus())}>
        Skip to the content
      </a>
      <Sidebar close={() => setOpen(false)} />
      <div class="shade" onClick={() => setOpen(false)} />
      <main id="main" tabIndex={-1}>
        {at === 'chat' ? <ChatView openSide={() => setOpen(true)} /> : <Dashboard openSide={() => setOpen(true)} />}
      </main>
      {wanted && <KeyDialog />}
    </div>
  );
}

// Loaded when it is first wanted: charts are half of the page.
function Dashboard(props: { openSide: () => void }) {
  const [View, setView] = useState<typeof import('./dashboard').DashboardView>();
  useEffect(() => {
    void import('./dashboard').then((module) => setView(() => module.DashboardView));
  }, []);
  return View ? <View {...props} /> : <p class="loading">Loading …</p>;
}
