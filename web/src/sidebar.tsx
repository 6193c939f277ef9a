// The side: where to go, the chats by day, and how the page looks.
import { go, place } from './app';
import { useCell } from './cell';
import { chats, currentId, removeChat, storageProblem, type Chat } from './chats';
import { running } from './conversation';
import { Icon, Mark } from './icons';
import { theme, type Theme } from './settings';

const kDay = 86_400_000;

function dayOf(time: number): string {
  const midnight = new Date().setHours(0, 0, 0, 0);
  if (time >= midnight) return 'Today';
  if (time >= midnight - kDay) return 'Yesterday';
  if (time >= midnight - 6 * kDay) return 'This week';
  return new Date(time).toLocaleDateString(undefined, { month: 'long', year: 'numeric' });
}

function byDay(all: Chat[]): [string, Chat[]][] {
  const days = new Map<string, Chat[]>();
  for (const chat of all) {
    const day = dayOf(chat.updated);
    days.set(day, [...(days.get(day) ?? []), chat]);
  }
  return [...days];
}

export function Sidebar({ close }: { close: () => void }) {
  const all = useCell(chats);
  const open = useCell(currentId);
  const at = useCell(place);
  const problem = useCell(storageProblem);
  const busy = useCell(running);
  const show = (id: string | null) => {
    currentId.set(id);
    go('chat');
    close();
  };
  return (
    <nav class="side" aria-label="Chats and dashboard">
      <div class="side-head">
        <span class="brand">
          <Mark />
          Troika
        </span>
        <ThemeButton />
        <button type="button" class="quiet narrow-only" aria-label="Close the side" onClick={close}>
          <Icon name="close" />
        </button>
      </div>
      <button type="button" class="new-chat" onClick={() => show(null)} title="Ctrl+Shift+O">
        <Icon name="plus" />
        New chat
      </button>
      <button
        type="button"
        class="side-link"
        aria-current={at === 'dashboard' ? 'page' : undefined}
        onClick={() => (go('dashboard'), close())}
      >
        <Icon name="chart" />
        Dashboard
      </button>
      <div class="history">
        {all.length === 0 && <p class="hint">Your chats will stand here. They stay in this browser.</p>}
        {byDay(all).map(([day, list]) => (
          <section key={day}>
            <h2>{day}</h2>
            <ul>
              {list.map((chat) => (
                <li key={chat.id} class={at === 'chat' && chat.id === open ? 'here' : ''}>
                  <button
                    type="button"
                    class="chat-link"
                    aria-current={at === 'chat' && chat.id === open ? 'page' : undefined}
                    onClick={() => show(chat.id)}
                  >
                    {busy?.chatId === chat.id && <span class="dot" aria-label="answering" />}
                    {chat.title}
                  </button>
                  <button
                    type="button"
                    class="quiet remove"
                    aria-label={`Delete the chat “${chat.title}”`}
                    onClick={() => confirm(`Delete “${chat.title}”?`) && void removeChat(chat.id)}
                  >
                    <Icon name="bin" />
                  </button>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
      {problem && <p class="hint warn">{problem}</p>}
    </nav>
  );
}

const kNext: Record<Theme, Theme> = { auto: 'light', light: 'dark', dark: 'auto' };
const kIcons = { auto: 'auto', light: 'sun', dark: 'moon' } as const;
const kNames = { auto: 'as the system', light: 'light', dark: 'dark' };

function ThemeButton() {
  const mode = useCell(theme);
  return (
    <button
      type="button"
      class="quiet"
      title={`Looks ${kNames[mode]}`}
      aria-label={`Colours: ${kNames[mode]}. Change to ${kNames[kNext[mode]]}.`}
      onClick={() => theme.set(kNext[mode])}
    >
      <Icon name={kIcons[mode]} />
    </button>
  );
}
