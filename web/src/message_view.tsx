// One message: what was said, what it cost, and what can be done about it.
import { memo } from 'preact/compat';
import { useMemo, useState } from 'preact/hooks';
import { useCell } from './cell';
import type { Message } from './chats';
import { canAsk, edit, regenerate, running } from './conversation';
import * as format from './format';
import { Icon } from './icons';
import { highlight, renderMarkdown } from './markdown';

interface Props {
  message: Message;
  last: boolean;
  answering: boolean;
}

export const MessageView = memo(function MessageView(props: Props) {
  return props.message.role === 'user' ? <Question {...props} /> : <Answer {...props} />;
});

function Question({ message }: Props) {
  const [editing, setEditing] = useState(false);
  const busy = useCell(running);
  return (
    <li class="message question">
      <h2 class="hidden">You</h2>
      {message.pictures && (
        <div class="pictures">
          {message.pictures.map((url, i) => (
            <img key={i} src={url} alt={`Picture ${i + 1} of your message`} />
          ))}
        </div>
      )}
      {editing ? (
        <EditForm message={message} close={() => setEditing(false)} />
      ) : (
        message.text && <div class="bubble">{message.text}</div>
      )}
      {!editing && (
        <div class="actions">
          <CopyButton text={message.text} what="your message" />
          <button type="button" class="quiet" disabled={!!busy} aria-label="Edit and ask again" title="Edit" onClick={() => setEditing(true)}>
            <Icon name="pencil" />
          </button>
        </div>
      )}
    </li>
  );
}

function EditForm({ message, close }: { message: Message; close: () => void }) {
  const [text, setText] = useState(message.text);
  const busy = useCell(running);
  const send = () => {
    if (!canAsk()) return; // the text stays for later
    close();
    void edit(message.id, text);
  };
  return (
    <form class="edit" onSubmit={(e) => (e.preventDefault(), send())}>
      <textarea
        aria-label="Your message"
        value={text}
        rows={Math.min(12, text.split('\n').length + 1)}
        ref={(box) => box?.focus()}
        onInput={(e) => setText(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key === 'Escape') close();
          if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) (e.preventDefault(), send());
        }}
      />
      <div class="row end">
        <span class="hint">What comes after it is replaced.</span>
        <button type="button" class="plain" onClick={close}>
          Cancel
        </button>
        <button type="submit" class="primary" disabled={!text.trim() || !!busy}>
          Ask again
        </button>
      </div>
    </form>
  );
}

function Answer({ message, last, answering }: Props) {
  const busy = useCell(running);
  const { text, reasoning, ending, error } = message;
  return (
    <li class="message answer">
      <h2 class="hidden">{message.model ?? 'Assistant'}</h2>
      {reasoning && (
        <details class="reasoning" open={answering && !text}>
          <summary>{answering && !text ? 'Thinking …' : 'Thoughts'}</summary>
          <Markdown text={reasoning} />
        </details>
      )}
      <Markdown text={text} />
      {answering && !text && !reasoning && (
        <div class="waiting" aria-label="Waiting for the first word">
          <span />
          <span />
          <span />
        </div>
      )}
      {ending === 'error' && (
        <p class="failure" role="alert">
          {error}
        </p>
      )}
      {!answering && (
        <div class="actions">
          {text && <CopyButton text={text} what="the answer" />}
          {last && (
            <button type="button" class="quiet" disabled={!!busy} aria-label="Answer again" title="Answer again" onClick={() => void regenerate(message.id)}>
              <Icon name="again" />
            </button>
          )}
          <Cost message={message} />
        </div>
      )}
    </li>
  );
}

const kEndings = { stop: '', length: 'cut at the limit', stopped: 'stopped', error: '', none: 'broken off' };

function Cost({ message: { model, speed, ending } }: { message: Message }) {
  const facts = [
    model,
    speed && `${format.count(speed.tokens)} tokens`,
    speed && speed.tokens_per_second > 0 && `${format.short(speed.tokens_per_second)} tokens/s`,
    speed && `first after ${format.seconds(speed.first_s)}`,
    kEndings[ending ?? 'none'], // none: the page was closed in the middle
  ];
  const hint = speed && `${format.count(speed.prompt_tokens)} tokens of prompt, ${format.count(speed.cached_tokens)} of them from the cache`;
  return (
    <span class="cost" title={hint}>
      {facts.filter(Boolean).join(' · ')}
    </span>
  );
}

// The HTML comes out of the sanitiser; the buttons on code are its own.
function Markdown({ text }: { text: string }) {
  const colours = useCell(highlight);
  const html = useMemo(() => renderMarkdown(text), [text, colours]);
  const copyCode = (event: MouseEvent) => {
    const button = (event.target as Element).closest<HTMLButtonElement>('button.copy-code');
    const code = button?.closest('.code')?.querySelector('code')?.textContent;
    if (!button || code == null) return;
    void copy(code).then(() => {
      button.textContent = 'Copied';
      setTimeout(() => (button.textContent = 'Copy'), 1500);
    });
  };
  return <div class="markdown" onClick={copyCode} dangerouslySetInnerHTML={{ __html: html }} />;
}

function CopyButton({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState(false);
  const onClick = () =>
    void copy(text).then(() => {
      setDone(true);
      setTimeout(() => setDone(false), 1500);
    });
  return (
    <button type="button" class="quiet" aria-label={done ? 'Copied' : `Copy ${what}`} title="Copy" onClick={onClick}>
      <Icon name={done ? 'check' : 'copy'} />
    </button>
  );
}

// The clipboard is there on https and localhost; elsewhere the old way must do.
async function copy(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = document.createElement('textarea');
  box.value = text;
  document.body.append(box);
  box.select();
  document.execCommand('copy');
  box.remove();
}
