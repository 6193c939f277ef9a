// Asking and answering: sends the open chat to the model, writes what streams back into it, and can stop.
import { ApiFailure, streamChat, type Model, type Part, type WireMessage } from './api';
import { Cell } from './cell';
import {
  beginChat,
  changeChat,
  changeMessage,
  chats,
  currentChat,
  currentId,
  keepChat,
  newId,
  type Chat,
  type Message,
} from './chats';
import { loadModels } from './load_models';
import { activeModel, requestFields, settings } from './settings';

const kKeepEvery = 2000; // milliseconds, while an answer grows
const kPicturesSent = 16; // of all turns: the server takes no more in a request

interface Running {
  chatId: string;
  messageId: string;
  abort: AbortController;
}

export const running = new Cell<Running | null>(null);

export function stop(): void {
  running.get()?.abort.abort();
}

// Whether an answer can begin. The chat is left as it is when not.
export const canAsk = (): boolean => !running.get() && !!activeModel();

const titleOf = (text: string): string => {
  const line = text.trim().split('\n')[0] || 'Picture';
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
};

export async function ask(text: string, pictures: string[]): Promise<void> {
  if (!canAsk()) return;
  const chat = currentChat() ?? beginChat(titleOf(text));
  currentId.set(chat.id);
  const question: Message = { id: newId(), role: 'user', text, ...(pictures.length > 0 && { pictures }) };
  changeChat(chat.id, ({ messages }) => ({ messages: [...messages, question] }));
  await answer(chat.id);
}

// The same question once more: what came after it goes.
export async function regenerate(messageId: string): Promise<void> {
  if (!canAsk()) return;
  const chat = currentChat();
  const at = chat?.messages.findIndex((m) => m.id === messageId) ?? -1;
  if (!chat || at < 1) return;
  changeChat(chat.id, ({ messages }) => ({ messages: messages.slice(0, at) }));
  await answer(chat.id);
}

// Another question in the place of an old one.
export async function edit(messageId: string, text: string): Promise<void> {
  if (!canAsk()) return;
  const chat = currentChat();
  const at = chat?.messages.findIndex((m) => m.id === messageId) ?? -1;
  if (!chat || at < 0) return;
  changeChat(chat.id, ({ messages }) => ({
    messages: [...messages.slice(0, at), { ...messages[at], text }],
    ...(at === 0 && { title: titleOf(text) }),
  }));
  await answer(chat.id);
}

async function answer(chatId: string): Promise<void> {
  const model = activeModel();
  const chat = chats.get().find((c) => c.id === chatId);
  if (!model || !chat || running.get()) return;
  const reply: Message = { id: newId(), role: 'assistant', text: '', model: model.id };
  const body = { model: model.id, messages: wireMessages(chat, model), ...requestFields(model) };
  changeChat(chatId, ({ messages }) => ({ messages: [...messages, reply] }));
  void keepChat(chatId); // the question outlives a closed tab
  const abort = new AbortController();
  running.set({ chatId, messageId: reply.id, abort });
  try {
    await receive(chatId, reply.id, body, abort.signal);
  } catch (error) {
    const ending = abort.signal.aborted
      ? { ending: 'stopped' as const }
      : { ending: 'error' as const, error: error instanceof ApiFailure ? error.message : String(error) };
    changeMessage(chatId, reply.id, () => ending);
  } finally {
    running.set(null);
    void keepChat(chatId);
    if (!model.capabilities) void loadModels(); // by now it is loaded, and what it can is known
  }
}

async function receive(chatId: string, messageId: string, body: object, signal: AbortSignal): Promise<void> {
  const began = performance.now();
  let first = 0;
  // Pieces are gathered and shown once a frame: a fast model makes more of them than a screen shows.
  let text = '';
  let reasoning = '';
  let frame = 0;
  let kept = began;
  const show = () => {
    frame = 0;
    changeMessage(chatId, messageId, () => ({ text, ...(reasoning && { reasoning }) }));
    if (performance.now() - kept < kKeepEvery) return;
    kept = performance.now();
    void keepChat(chatId);
  };
  try {
    for await (const piece of streamChat(body, signal)) {
      if (piece.content || piece.reasoning) first ||= performance.now();
      text += piece.content ?? '';
      reasoning += piece.reasoning ?? '';
      frame ||= requestAnimationFrame(show);
      if (piece.finish) changeMessage(chatId, messageId, () => ({ ending: piece.finish === 'length' ? 'length' : 'stop' }));
      if (piece.usage) {
        const { completion_tokens: tokens, ...usage } = piece.usage;
        const first_s = ((first || performance.now()) - began) / 1000;
        changeMessage(chatId, messageId, () => ({ speed: { first_s, tokens, ...usage } }));
      }
    }
  } finally {
    cancelAnimationFrame(frame);
    show();
  }
}

const isAnswer = ({ role, text, ending }: Message): boolean => role === 'assistant' && text !== '' && ending !== 'error';

// Answers that failed or are empty are not shown to the model, nor are their questions, since turns must alternate;
// neither are pictures to one that does not see, nor the oldest of more than the server takes.
function wireMessages(chat: Chat, model: Model): WireMessage[] {
  const messages: WireMessage[] = [];
  const system = settings.get().system.trim();
  if (system) messages.push({ role: 'system', content: system });
  const turns = chat.messages.filter((message, i, all) =>
    message.role === 'user' ? i === all.length - 1 || isAnswer(all[i + 1]) : isAnswer(message),
  );
  const seen = ({ pictures }: Message): string[] => (model.capabilities?.vision && pictures) || [];
  let over = turns.reduce((all, turn) => all + seen(turn).length, -kPicturesSent); // how many of the oldest stay out
  for (const turn of turns) {
    const { role, text } = turn;
    const pictures = seen(turn);
    const parts: Part[] = pictures.slice(Math.max(0, over)).map((url) => ({ type: 'image_url', image_url: { url } }));
    over -= pictures.length;
    if (parts.length === 0) {
      messages.push({ role, content: text });
      continue;
    }
    if (text) parts.push({ type: 'text', text });
    messages.push({ role, content: parts });
  }
  return messages;
}
