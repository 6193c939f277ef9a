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

test('answers are held to a format, as JSON or of a schema', async () => {
  const schema = { type: 'object', properties: { sum: { type: 'integer' } }, required: ['sum'] };
  const chat = await client.chat(greedy({ format: schema }));
  assert.ok(Number.isInteger(JSON.parse(chat.message.content).sum));
  const { messages: _, ...rest } = greedy({ prompt: messages[0].content, format: schema });
  assert.deepEqual(JSON.parse((await client.generate(rest)).response), JSON.parse(chat.message.content));
  const any = await client.chat(greedy({ format: 'json' }));
  assert.match(any.message.content, /^\{/);
});

const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'Tells the weather of a city.',
      parameters: { type: 'object', properties: { city: { enum: ['Paris', 'Rome'] } }, required: ['city'] },
    },
  },
];

// Ollama has no tool_choice, so the first token of a call is made the likeliest.
async function calling(more = {}) {
  const asked = await fetch(`${troika.url}/tokenize`, { method: 'POST', body: JSON.stringify({ content: '{' }) });
  const [brace] = (await asked.json()).tokens;
  const options = { temperature: 0, num_predict: 60, logit_bias: { [brace]: 100 } };
  return greedy({ messages: [{ role: 'user', content: 'What is the weather in Paris?' }], tools, options, ...more });
}

test('a tool is called, answered, and the conversation goes on', async () => {
  const request = await calling();
  const call = await client.chat(request);
  const { function: called } = call.message.tool_calls[0];
  assert.equal(called.name, 'get_weather');
  assert.match(called.arguments.city, /^(Paris|Rome)$/);
  const parts = [];
  for await (const part of await client.chat({ ...request, stream: true })) {
    if (part.message.tool_calls) parts.push(...part.message.tool_calls);
  }
  assert.deepEqual(parts.map((part) => part.function), call.message.tool_calls.map((part) => part.function));
  const result = { role: 'tool', tool_name: 'get_weather', content: 'Sunny.' };
  const answer = await client.chat(greedy({ messages: [...request.messages, call.message, result], tools }));
  assert.ok(answer.message.content.length > 0 || answer.message.tool_calls.length > 0);
  assert.ok((await client.show({ model })).capabilities.includes('tools'));
});

test('errors arrive with their words', async () => {
  await assert.rejects(client.chat(greedy({ model: 'llama3' })), /llama3/);
  await assert.rejects(client.chat(greedy({ options: { temperature: 'x' } })), /options\.temperature/);
  await assert.rejects(client.chat(greedy({ format: 'yaml' })), /format/);
  await assert.rejects(client.chat(greedy({ tools: [{ type: 'code' }] })), /tools\[0\]\.type/);
  await assert.rejects(client.pull({ model: 'llama3' }), /there is no model/);
  await assert.rejects(client.delete({ model }), /there is no model/);
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
