// The chats of this browser: what they are, and the one that is open.
import { Cell } from './cell';
import { deleteChat, overBounds, readChats, writeChat } from './database';

export interface Message {
  id: string;
  role: 'user' | 'assistant';
  text: string;
  reasoning?: string;
  pictures?: string[]; // data: URLs
  model?: string;
  speed?: { first_s: number; tokens: number; tokens_per_second: number; prompt_tokens: number; cached_tokens: number };
  ending?: 'stop' | 'length' | 'stopped' | 'error';
  error?: string;
}

export interface Chat {
  id: string;
  title: string;
  created: number; // milliseconds since 1970
  updated: number;
  messages: Message[];
}

export const chats = new Cell<Chat[]>([]); // latest first
export const currentId = new Cell<string | null>(null); // null: a chat that has not begun
export const storageProblem = new Cell(''); // why chats are not kept

export const currentChat = (): Chat | undefined => chats.get().find((chat) => chat.id === currentId.get());

// crypto.randomUUID is there on https and on localhost only.
export function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

const latestFirst = (list: Chat[]): Chat[] => [...list].sort((a, b) => b.updated - a.updated);

// A chat may have begun while the kept ones were read: it stays.
export async function loadChats(): Promise<void> {
  try {
    const kept = await readChats();
    chats.update((begun) => latestFirst([...begun, ...kept.filter(({ id }) => !begun.some((chat) => chat.id === id))]));
  } catch {
    storageProblem.set('This browser does not let the page keep chats; they end with the tab.');
  }
}

export function beginChat(title: string): Chat {
  const now = Date.now();
  const chat = { id: newId(), title, created: now, updated: now, messages: [] };
  chats.update((all) => [chat, ...all]);
  return chat;
}

// Replaces the chat by what `change` makes of it.
export function changeChat(id: string, change: (chat: Chat) => Partial<Chat>): void {
  chats.update((all) => all.map((chat) => (chat.id === id ? { ...chat, ...change(chat) } : chat)));
}

export function changeMessage(chatId: string, messageId: string, change: (message: Message) => Partial<Message>): void {
  changeChat(chatId, (chat) => ({
    messages: chat.messages.map((m) => (m.id === messageId ? { ...m, ...change(m) } : m)),
  }));
}

// Keeps the chat and moves it to the front.
export async function keepChat(id: string): Promise<void> {
  changeChat(id, () => ({ updated: Date.now() }));
  chats.update(latestFirst);
  const chat = chats.get().find((c) => c.id === id);
  if (!chat) return;
  const dropped = overBounds(chats.get());
  chats.update((all) => all.filter((c) => !dropped.includes(c)));
  try {
    await writeChat(chat);
    for (const old of dropped) await deleteChat(old.id);
  } catch {
    storageProblem.set('The browser has no room left for this chat; export it if you want to keep it.');
  }
}

export async function removeChat(id: string): Promise<void> {
  chats.update((all) => all.filter((chat) => chat.id !== id));
  if (currentId.get() === id) currentId.set(null);
  await deleteChat(id).catch(() => {});
}
