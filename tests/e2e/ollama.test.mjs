// The official Ollama client against the real binary and a real model.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Ollama } from 'ollama';
import { startTroika, within } from './troika.mjs';

let troika, client, model;
before(async () => {
  troika = await startTroika();
  client = new Ollama({ host: troika.url });
  model = (await client.list()).models[0].name;
});
after(() => troika?.stop());

const messages = [{ role: 'user', content: 'What is 2 + 3?' }];
const greedy = (more = {}) => ({ model, messages, options: { temperature: 0, num_predict: 24 }, ...more });

test('models are listed, shown and loaded', async () => {
  assert.equal(model, `${troika.model}:latest`);
  const { models } = await client.list();
  assert.match(models[0].digest, /^[0-9a-f]{64}$/);
  assert.ok(!Number.isNaN(Date.parse(models[0].modified_at)));
  const shown = await client.show({ model });
  assert.equal(shown.model_info['general.architecture'], models[0].details.family);
  assert.ok(shown.capabilities.includes('completion'));
  assert.equal((await client.ps()).models[0].name, model);
  assert.match((await client.version()).version, /^\d+\.\d+\.\d+$/);
});

test('a stream adds up to the whole answer', async () => {
  const whole = await client.chat(greedy());
  assert.equal(whole.message.role, 'assistant');
  assert.ok(whole.message.content.length > 0);
  assert.ok(whole.done && whole.eval_count > 0 && whole.total_duration > 0);
  let text = '';
  let last;
  for await (const part of await client.chat(greedy({ stream: true }))) {
    text += part.message.content;
    last = part;
  }
  assert.equal(text, whole.message.content);
  assert.equal(last.done_reason, whole.done_reason);
});

test('a prompt is answered as the same chat is', async () => {
  const chat = await client.chat(greedy());
  const { messages: _, ...rest } = greedy({ prompt: messages[0].content });
  assert.equal((await client.generate(rest)).response, chat.message.content);
  let text = '';
  for await (const part of await client.generate({ ...rest, stream: true })) text += part.response;
  assert.equal(text, chat.message.content);
});

test('vectors have unit length and tell texts apart', async () => {
  const { embeddings } = await client.embed({ model, input: ['Paris', 'Paris', 'seventeen'] });
  const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  for (const vector of embeddings) assert.ok(Math.abs(dot(vector, vector) - 1) < 1e-5);
  assert.ok(Math.abs(dot(embeddings[0], embeddings[1]) - 1) < 1e-5);
  assert.ok(dot(embeddings[0], embeddings[2]) < 0.999);
});

test('errors arrive with their words', async () => {
  await assert.rejects(client.chat(greedy({ model: 'llama3' })), /llama3/);
  await assert.rejects(client.chat(greedy({ options: { temperature: 'x' } })), /options\.temperature/);
  await assert.rejects(client.chat(greedy({ format: 'json' })), /format/);
  await assert.rejects(client.pull({ model: 'llama3' }), /not supported/);
  await assert.rejects(client.delete({ model }), /not supported/);
});

test('an abandoned stream frees its sequence', async () => {
  const stream = await client.chat(greedy({ stream: true, options: { num_predict: 400, temperature: 2 } }));
  for await (const part of stream) {
    assert.ok(part.message);
    break;
  }
  stream.abort();
  await within(2000, async () => (await troika.health()).running === 0, 'no sequence runs');
});
