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
import { activeModel, requestFields, settings } from './settings';

const kKeepEvery = 2000; // milliseconds, while an answer grows

interface Running {
  chatId: string;
  messageId: string;
  abort: AbortController;
}

export const running = new Cell<Running | null>(null);

export function stop(): void {
  running.get()?.abort.abort();
}

const titleOf = (text: string): string => {
  const line = text.trim().split('\n')[0] || 'Picture';
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
};

export async function ask(text: string, pictures: string[]): Promise<void> {
  const chat = currentChat() ?? beginChat(titleOf(text));
  currentId.set(chat.id);
  const question: Message = { id: newId(), role: 'user', text, ...(pictures.length > 0 && { pictures }) };
  changeChat(chat.id, ({ messages }) => ({ messages: [...messages, question] }));
  await answer(chat.id);
}

// The same question once more: what came after it goes.
export async function regenerate(messageId: string): Promise<void> {
  const chat = currentChat();
  const at = chat?.messages.findIndex((m) => m.id === messageId) ?? -1;
  if (!chat || at < 1) return;
  changeChat(chat.id, ({ messages }) => ({ messages: messages.slice(0, at) }));
  await answer(chat.id);
}

// Another question in the place of an old one.
export async function edit(messageId: string, text: string): Promise<void> {
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

// Answers that failed or are empty are not shown to the model; neither are pictures to one that does not see.
function wireMessages(chat: Chat, model: Model): WireMessage[] {
  const messages: WireMessage[] = [];
  const system = settings.get().system.trim();
  if (system) messages.push({ role: 'system', content: system });
  for (const { role, text, pictures } of chat.messages) {
    if (role === 'assistant' && !text) continue;
    if (!pictures?.length || !model.capabilities.vision) {
      messages.push({ role, content: text });
      continue;
    }
    const parts: Part[] = pictures.map((url) => ({ type: 'image_url', image_url: { url } }));
    if (text) parts.push({ type: 'text', text });
    messages.push({ role, content: parts });
  }
  return messages;
}
