// A chat as a file on the user's disk.
import type { Chat } from './chats';

export function asMarkdown(chat: Chat): string {
  const parts = [`# ${chat.title}\n`];
  for (const { role, text, reasoning, pictures, model } of chat.messages) {
    parts.push(role === 'user' ? '## You\n' : `## ${model ?? 'Assistant'}\n`);
    if (pictures?.length) parts.push(`*${pictures.length === 1 ? 'A picture' : `${pictures.length} pictures`}*\n`);
    if (reasoning) parts.push(`> ${reasoning.trim().replaceAll('\n', '\n> ')}\n`);
    parts.push(`${text.trim()}\n`);
  }
  return parts.join('\n');
}

export function download(chat: Chat, kind: 'md' | 'json'): void {
  const content = kind === 'md' ? asMarkdown(chat) : JSON.stringify(chat, null, 2);
  const url = URL.createObjectURL(new Blob([content], { type: kind === 'md' ? 'text/markdown' : 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${chat.title.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '').slice(0, 50) || 'chat'}.${kind}`;
  link.click();
  URL.revokeObjectURL(url);
}
