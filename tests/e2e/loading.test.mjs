// The official clients while the model that they asked for is being loaded: they read what keeps the stream alive without
// noticing, and get errors as errors.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import { startTroika, within } from './troika.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const folder = mkdtempSync(join(tmpdir(), 'troika-loading-'));
// A model of the store, as it lies in the hub's cache: those of --model stay loaded.
const name = 'test/many-GGUF:Q8_0';
const repository = join(folder, 'hub/models--test--many-GGUF');
const commit = '0123456789'.repeat(4);
const file = join(repository, 'snapshots', commit, 'many-Q8_0.gguf');
mkdirSync(dirname(file), { recursive: true });
mkdirSync(join(repository, 'refs'));
writeFileSync(join(repository, 'refs/main'), commit);
copyFileSync(process.env.TROIKA_MODEL ?? resolve(root, 'models/troika-mini.gguf'), file);
Object.assign(process.env, { HF_HOME: folder, TROIKA_HOME: join(folder, 'own') });

// So many replicas take a second or two.
let troika, anthropic, ollama;
before(async () => {
  troika = await startTroika('--ctx', '128', '--memory', '64GB', '--replicas', `${name}=40`, '--alias', `either=${name},troika-mini`);
  anthropic = new Anthropic({ baseURL: troika.url, apiKey: 'none', maxRetries: 0 });
  ollama = new Ollama({ host: troika.url });
});
after(async () => {
  await troika?.stop();
  rmSync(folder, { recursive: true });
});

const stateOf = async () => (await (await fetch(`${troika.url}/v1/models/${name}`)).json()).status;

beforeEach(async () => {
  await fetch(`${troika.url}/api/troika/unload`, { method: 'POST', body: JSON.stringify({ model: name }) });
  await within(5000, async () => (await stateOf()) === 'unloaded', 'the model is unloaded');
});

const messages = [{ role: 'user', content: 'Who are you?' }];
const asked = { model: name, messages, max_tokens: 8, temperature: 0 };

// Without a model to load, what comes without the client's help.
async function raw(path, body) {
  const response = await fetch(troika.url + path, { method: 'POST', body: JSON.stringify({ ...body, stream: true }) });
  return [response.status, await response.text()];
}

test('the bytes do tell of the loading, with growing shares', async () => {
  const [status, text] = await raw('/v1/chat/completions', asked);
  assert.equal(status, 200);
  const shares = [...text.matchAll(/^: loading test\/many-GGUF:Q8_0 (\d+) %$/gm)].map((match) => Number(match[1]));
  assert.ok(shares.length >= 1, text.slice(0, 200));
  assert.deepEqual(shares, [...shares].sort((a, b) => a - b));
  assert.ok(shares.at(-1) > 0);
});

test("OpenAI's client reads chats, completions and responses", async () => {
  let text = '';
  for await (const chunk of await troika.client.chat.completions.create({ ...asked, stream: true }))
    text += chunk.choices[0].delta.content ?? '';
  const whole = await troika.client.chat.completions.create(asked);
  assert.equal(text, whole.choices[0].message.content);
});

test("OpenAI's client reads responses", async () => {
  const types = [];
  const stream = await troika.client.responses.create({ model: name, input: 'Who are you?', max_output_tokens: 8, stream: true });
  for await (const event of stream) types.push(event.type);
  assert.equal(types[0], 'response.created');
  assert.equal(types.at(-1).split('.')[0], 'response');
});

test("Anthropic's client reads messages", async () => {
  const types = [];
  for await (const event of await anthropic.messages.create({ ...asked, stream: true })) types.push(event.type);
  assert.equal(types[0], 'message_start');
  assert.equal(types.at(-1), 'message_stop');
});

test("Ollama's client reads chats", async () => {
  let text = '';
  for await (const part of await ollama.chat({ model: name, messages, stream: true, options: { num_predict: 8, temperature: 0 } }))
    text += part.message.content;
  assert.ok(text.length > 0);
});

test('an error in the stream is thrown as one', async () => {
  const broken = `${file}.away`;
  renameSync(file, broken);
  try {
    // The model's file is gone, which is known at once: a status of its own, for all clients.
    await assert.rejects(async () => {
      for await (const _ of await troika.client.chat.completions.create({ ...asked, stream: true }));
    }, /503.*many/);
    const aliased = await troika.client.chat.completions.create({ ...asked, model: 'either' }).withResponse();
    assert.equal(aliased.response.headers.get('x-troika-model'), 'troika-mini');
    assert.equal(aliased.data.model, 'either');
  } finally {
    renameSync(broken, file);
  }
  // Found wrong when the stream has begun.
  await assert.rejects(async () => {
    for await (const _ of await troika.client.chat.completions.create({ ...asked, temperature: 99, stream: true }));
  }, /temperature/);
});

test("an error in a stream of messages is thrown as one", async () => {
  await assert.rejects(async () => {
    for await (const _ of await anthropic.messages.create({ ...asked, thinking: { type: 'enabled', budget_tokens: -5 }, stream: true }));
  }, (error) => error instanceof Anthropic.APIError && /budget_tokens/.test(error.message));
});
