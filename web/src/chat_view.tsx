// The open chat: its head with the model and what can be done, the messages, the settings beside, the composer below.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useCell } from './cell';
import { chats, currentId, type Chat } from './chats';
import { Composer } from './composer';
import { ask, running } from './conversation';
import * as format from './format';
import { Icon, Mark } from './icons';
import { MessageView } from './message_view';
import { download } from './save';
import { loadModels, serverProblem } from './load_models';
import { activeModel, chosenModel, models } from './settings';
import { SettingsPanel } from './settings_panel';

export function ChatView({ openSide }: { openSide: () => void }) {
  const all = useCell(chats);
  const id = useCell(currentId);
  const [tuning, setTuning] = useState(false);
  const chat = all.find((c) => c.id === id);
  useEffect(() => {
    document.title = chat ? `${chat.title} · Troika` : 'Troika';
  }, [chat?.title]);
  return (
    <div class="chat">
      <Head chat={chat} openSide={openSide} tuning={tuning} setTuning={setTuning} />
      <div class="chat-body">
        <div class="talk">
          {chat ? <Messages chat={chat} /> : <Welcome />}
          <Problem />
          <Composer key={id ?? 'new'} />
        </div>
        {tuning && <SettingsPanel close={() => setTuning(false)} />}
      </div>
    </div>
  );
}

interface HeadProps {
  chat: Chat | undefined;
  openSide: () => void;
  tuning: boolean;
  setTuning: (on: boolean) => void;
}

function Head({ chat, openSide, tuning, setTuning }: HeadProps) {
  const served = useCell(models);
  useCell(chosenModel);
  const model = activeModel();
  return (
    <header class="head">
      <button type="button" class="quiet narrow-only" aria-label="Chats and dashboard" onClick={openSide}>
        <Icon name="menu" />
      </button>
      <label class="model">
        <span class="hidden">Model</span>
        <select value={model?.id} disabled={served.length === 0} onChange={(e) => chosenModel.set(e.currentTarget.value)}>
          {served.length === 0 && <option>no model</option>}
          {served.map(({ id }) => (
            <option key={id} value={id}>
              {id}
            </option>
          ))}
        </select>
        <Icon name="down" />
      </label>
      {model && (
        <span class="facts wide-only">
          {model.capabilities
            ? `${format.parameters(model.meta.n_params ?? 0)} · ${format.count(model.capabilities.context)} tokens`
            : `${format.bytes(model.meta.size)} · the first question loads it`}
          {model.capabilities?.vision && ' · sees pictures'}
          {model.capabilities?.reasoning && ' · reasons'}
        </span>
      )}
      <span class="space" />
      {chat && <SaveMenu chat={chat} />}
      <button
        type="button"
        class="quiet"
        aria-expanded={tuning}
        aria-controls="settings"
        aria-label="Settings"
        title="Settings"
        onClick={() => setTuning(!tuning)}
      >
        <Icon name="tune" />
      </button>
    </header>
  );
}

function SaveMenu({ chat }: { chat: Chat }) {
  const menu = useRef<HTMLDetailsElement>(null);
  const save = (kind: 'md' | 'json') => {
    download(chat, kind);
    menu.current!.open = false;
  };
  const leave = (event: FocusEvent) => {
    if (!menu.current!.contains(event.relatedTarget as Node | null)) menu.current!.open = false;
  };
  return (
    <details ref={menu} class="menu" onFocusOut={leave}>
      <summary class="quiet" aria-label="Export this chat" title="Export">
        <Icon name="save" />
      </summary>
      <div class="menu-items">
        <button type="button" onClick={() => save('md')}>
          Export as Markdown
        </button>
        <button type="button" onClick={() => save('json')}>
          Export as JSON
        </button>
      </div>
    </details>
  );
}

// Follows the answer while the reader is at the end, and lets go when they scroll up.
function Messages({ chat }: { chat: Chat }) {
  const list = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const busy = useCell(running);
  const answering = busy?.chatId === chat.id;
  useLayoutEffect(() => {
    if (follows.current) list.current!.scrollTop = list.current!.scrollHeight;
  });
  useEffect(() => {
    follows.current = true;
    list.current!.scrollTop = list.current!.scrollHeight;
  }, [chat.id, chat.messages.length]);
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = list.current!;
    follows.current = scrollHeight - scrollTop - clientHeight < 40;
  };
  return (
    <div class="messages" ref={list} onScroll={onScroll} tabIndex={0} role="region" aria-label="Messages" aria-busy={answering}>
      <h1 class="hidden">{chat.title}</h1>
      <ol>
        {chat.messages.map((message, i) => (
          <MessageView
            key={message.id}
            message={message}
            last={i === chat.messages.length - 1}
            answering={answering && busy?.messageId === message.id}
          />
        ))}
      </ol>
      <p class="hidden" role="status">
        {answering ? 'The model answers.' : chat.messages.at(-1)?.role === 'assistant' ? 'The answer is complete.' : ''}
      </p>
    </div>
  );
}

const kHere = /^(localhost|127\..*|\[::1\])$/.test(location.hostname);
const kOpenings = ['Who are you?', 'What does grep do?', 'What is 47 * 6?'];

function Welcome() {
  const served = useCell(models);
  useCell(chosenModel);
  const model = activeModel();
  return (
    <div class="welcome">
      <div class="welcome-inner">
        <Mark />
        <h1>What shall we look at?</h1>
        {model && (
          <p>
            <strong>{model.id}</strong> answers {kHere ? 'on this machine. Nothing you write leaves it.' : `from ${location.hostname}. What you write goes there and nowhere else.`}
          </p>
        )}
        {served.length > 0 && (
          <div class="openings">
            {kOpenings.map((text) => (
              <button key={text} type="button" onClick={() => void ask(text, [])}>
                {text}
              </button>
            ))}
          </div>
        )}
      </div>
    </div>
  );
}

function Problem() {
  const problem = useCell(serverProblem);
  if (!problem) return null;
  return (
    <div class="problem" role="alert">
      <span>{problem}</span>
      <button type="button" class="plain" onClick={() => void loadModels()}>
        Try again
      </button>
    </div>
  );
}
