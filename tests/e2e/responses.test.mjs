// The Responses and Embeddings APIs through the official OpenAI client, against the real binary and a real model.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { startTroika } from './troika.mjs';

let troika, client, model;
before(async () => {
  troika = await startTroika();
  ({ client, model } = troika);
});
after(() => troika?.stop());

const greedy = (more = {}) => ({ model, input: 'What is 2 + 3?', temperature: 0, max_output_tokens: 40, ...more });

test('a response is the answer that chat gives', async () => {
  const response = await client.responses.create(greedy());
  const chat = await client.chat.completions.create({
    model,
    temperature: 0,
    max_tokens: 40,
    messages: [{ role: 'user', content: 'What is 2 + 3?' }],
  });
  assert.equal(response.output_text, chat.choices[0].message.content);
  assert.equal(response.status, 'completed');
  assert.equal(response.usage.total_tokens, chat.usage.total_tokens);
});

test("the client's stream helper accepts our events", async () => {
  const whole = await client.responses.create(greedy());
  let text = '';
  const stream = client.responses.stream(greedy());
  stream.on('response.output_text.delta', (event) => (text += event.delta));
  const final = await stream.finalResponse();
  assert.equal(text, whole.output_text);
  assert.equal(final.output_text, whole.output_text);
  assert.equal(final.status, 'completed');
  const types = [];
  for await (const event of await client.responses.create(greedy({ stream: true }))) types.push(event.type);
  assert.equal(types[0], 'response.created');
  assert.equal(types.at(-1), 'response.completed');
});

test('a conversation goes on by the id of its last response, until it is deleted', async () => {
  const first = await client.responses.create(greedy({ input: 'My name is Ada.' }));
  const second = await client.responses.create(greedy({ input: 'Hello', previous_response_id: first.id }));
  assert.ok(second.usage.input_tokens > first.usage.input_tokens);
  assert.equal((await client.responses.retrieve(second.id)).output_text, second.output_text);
  const items = await client.responses.inputItems.list(second.id);
  assert.equal(items.data.length, 3);
  await client.responses.delete(first.id);
  await assert.rejects(client.responses.retrieve(first.id), OpenAI.NotFoundError);
  await assert.rejects(client.responses.create(greedy({ previous_response_id: first.id })), (error) => {
    assert.equal(error.code, 'previous_response_not_found');
    return true;
  });
  await client.responses.create(greedy({ input: 'Bye', previous_response_id: second.id }));
});

const tools = [
  {
    type: 'function',
    name: 'get_weather',
    description: 'Tells the weather of a city.',
    parameters: { type: 'object', properties: { city: { enum: ['Paris', 'Rome'] } }, required: ['city'], additionalProperties: false },
    strict: true,
  },
  { type: 'function', name: 'get_time', parameters: null, strict: false },
];
const calling = (more = {}) =>
  greedy({ input: 'What is the weather in Paris?', tools, tool_choice: 'required', parallel_tool_calls: false, max_output_tokens: 200, ...more });

function assertCall(item) {
  assert.equal(item.type, 'function_call');
  assert.match(item.call_id, /^call_/);
  const given = JSON.parse(item.arguments);
  if (item.name === 'get_time') return assert.deepEqual(given, {});
  assert.equal(item.name, 'get_weather');
  assert.match(given.city, /^(Paris|Rome)$/);
}

test('a tool is called, answered, and the conversation goes on', async () => {
  const call = await client.responses.create(calling());
  assert.equal(call.status, 'completed');
  assert.equal(call.output.length, 1);
  assertCall(call.output[0]);
  const result = { type: 'function_call_output', call_id: call.output[0].call_id, output: 'Sunny.' };
  const more = { tools, tool_choice: 'none' };
  const kept = await client.responses.create(greedy({ ...more, input: [result], previous_response_id: call.id }));
  assert.ok(kept.output_text.length > 0);
  const sent = await client.responses.create(
    greedy({ ...more, input: [{ role: 'user', content: 'What is the weather in Paris?' }, ...call.output, result] }),
  );
  assert.equal(sent.output_text, kept.output_text);
  const named = await client.responses.create(calling({ tool_choice: { type: 'function', name: 'get_time' } }));
  assert.equal(named.output[0].name, 'get_time');
});

test("calls are streamed as the client's helper wants them", async () => {
  const whole = await client.responses.create(calling());
  const stream = client.responses.stream(calling());
  let given = '';
  stream.on('response.function_call_arguments.delta', (event) => (given += event.delta));
  const final = await stream.finalResponse();
  assertCall(final.output[0]);
  assert.equal(given, whole.output[0].arguments);
  assert.equal(final.output[0].arguments, given);
  assert.equal(final.output[0].name, whole.output[0].name);
});

test('an answer is held to a schema', async () => {
  const schema = { type: 'object', properties: { sum: { type: 'integer' } }, required: ['sum'], additionalProperties: false };
  const format = { type: 'json_schema', name: 'sum', strict: true, schema };
  const answer = await client.responses.create(greedy({ text: { format } }));
  assert.ok(Number.isInteger(JSON.parse(answer.output_text).sum));
  assert.deepEqual(answer.text.format, format);
  const any = await client.responses.create(greedy({ text: { format: { type: 'json_object' } } }));
  assert.match(any.output_text, /^\{/);
});

test('what cannot be honoured is refused by name', async () => {
  const refused = (more, param) =>
    assert.rejects(client.responses.create(greedy(more)), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError, String(error));
      assert.equal(error.param, param);
      return true;
    });
  await refused({ tools: [{ type: 'web_search' }] }, 'tools[0].type');
  await refused({ tools, tool_choice: { type: 'function', name: 'g' } }, 'tool_choice.name');
  await refused({ text: { format: { type: 'json_schema' } } }, 'text.format.name');
  await refused({ background: true }, 'background');
});

test('vectors are the same in base64, which the client asks for, and in floats', async () => {
  const input = ['Paris', 'London', 'seventeen'];
  const packed = await client.embeddings.create({ model, input });
  const plain = await client.embeddings.create({ model, input, encoding_format: 'float' });
  for (let i = 0; i < input.length; ++i) {
    const [a, b] = [packed.data[i].embedding, plain.data[i].embedding];
    assert.equal(a.length, b.length);
    assert.ok(a.every((value, j) => Math.abs(value - b[j]) < 1e-6));
    assert.ok(Math.abs(a.reduce((sum, value) => sum + value * value, 0) - 1) < 1e-5);
  }
  const short = await client.embeddings.create({ model, input: 'Paris', dimensions: 64 });
  assert.equal(short.data[0].embedding.length, 64);
});

test('fields that nobody knows are named in a header', async () => {
  const { response } = await client.chat.completions
    .create({ model, max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }], brand_new: 1, store: false })
    .withResponse();
  assert.equal(response.headers.get('x-troika-ignored-fields'), 'brand_new');
});

test('the description of the API lists what the server answers', async () => {
  const description = await (await fetch(`${troika.url}/openapi.json`)).json();
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const method of Object.keys(methods)) {
      const url = `${troika.url}${path.replace('{id}', 'x')}`;
      const { status } = await fetch(url, { method: method.toUpperCase() });
      assert.notEqual(status, 405, path);
      assert.ok(status < 500, `${method} ${path}: ${status}`);
    }
  }
});
