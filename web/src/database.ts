// Chats in the browser's IndexedDB, with bounds: the oldest go when there are too many or they take too much room.
import type { Chat } from './chats';

const kMostChats = 300;
const kMostCharacters = 100e6; // of all chats as JSON: pictures weigh most

let opening: Promise<IDBDatabase> | undefined;

function open(): Promise<IDBDatabase> {
  opening ??= new Promise((opened, failed) => {
    const request = indexedDB.open('troika', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('chats', { keyPath: 'id' });
    request.onsuccess = () => opened(request.result);
    request.onerror = () => failed(request.error);
  });
  return opening;
}

async function run<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const transaction = (await open()).transaction('chats', mode);
  return new Promise((done, failed) => {
    const request = act(transaction.objectStore('chats'));
    transaction.oncomplete = () => done(request.result); // not before: want of room shows when it is committed
    transaction.onerror = transaction.onabort = () => failed(transaction.error ?? request.error);
  });
}

// All chats, the latest first.
export async function readChats(): Promise<Chat[]> {
  const chats: Chat[] = await run('readonly', (store) => store.getAll());
  return chats.sort((a, b) => b.updated - a.updated);
}

export async function writeChat(chat: Chat): Promise<void> {
  await run('readwrite', (store) => store.put(chat));
}

export async function deleteChat(id: string): Promise<void> {
  await run('readwrite', (store) => store.delete(id));
}

// A chat is replaced and never changed, so its size is counted once.
const sizes = new WeakMap<Chat, number>();

function sizeOf(chat: Chat): number {
  const size = sizes.get(chat) ?? JSON.stringify(chat).length;
  sizes.set(chat, size);
  return size;
}

// Those of `chats`, latest first, that are over the bounds.
export function overBounds(chats: Chat[]): Chat[] {
  let characters = 0;
  return chats.filter((chat, i) => {
    characters += sizeOf(chat);
    return i > 0 && (i >= kMostChats || characters > kMostCharacters);
  });
}
