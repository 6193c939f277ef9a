// The official Anthropic client against the real binary and a real model.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { startTroika, within } from './troika.mjs';

let troika, client, model;
before(async () => {
  troika = await startTroika();
  model = troika.model;
  client = new Anthropic({ baseURL: troika.url, apiKey: 'none', maxRetries: 0 });
});
after(() => troika?.stop());

const messages = [{ role: 'user', content: 'What is 2 + 3?' }];
const greedy = (more = {}) => ({ model, messages, max_tokens: 24, temperature: 0, ...more });
const textOf = (message) => message.content.map((block) => block.text ?? '').join('');

test('a message is answered, with usage', async () => {
  const message = await client.messages.create(greedy({ system: 'You are helpful.' }));
  assert.equal(message.type, 'message');
  assert.equal(message.role, 'assistant');
  assert.equal(message.model, model);
  assert.ok(textOf(message).length > 0);
  assert.match(message.stop_reason, /^(end_turn|max_tokens)$/);
  assert.ok(message.usage.input_tokens > 5 && message.usage.output_tokens >= 1);
  assert.match(message._request_id, /^req_/);
});

test("a stream adds up to the whole message, in the client's own helper too", async () => {
  const whole = await client.messages.create(greedy());
  let text = '';
  const types = [];
  for await (const event of await client.messages.create(greedy({ stream: true }))) {
    types.push(event.type);
    if (event.type === 'content_block_delta') text += event.delta.text;
  }
  assert.equal(text, textOf(whole));
  assert.equal(types[0], 'message_start');
  assert.equal(types.at(-1), 'message_stop');

  const helper = client.messages.stream(greedy());
  let pieces = '';
  helper.on('text', (piece) => (pieces += piece));
  const final = await helper.finalMessage();
  assert.equal(pieces, textOf(whole));
  assert.deepEqual(final.content, whole.content);
  assert.equal(final.stop_reason, whole.stop_reason);
  assert.equal(final.usage.output_tokens, whole.usage.output_tokens);
});

test('a conversation goes on, and its beginning comes from the cache', async () => {
  const long = 'word '.repeat(100);
  const first = [{ role: 'user', content: long }];
  const answer = await client.messages.create(greedy({ messages: first }));
  const next = await client.messages.create(
    greedy({ messages: [...first, { role: 'assistant', content: answer.content }, { role: 'user', content: 'And?' }] }),
  );
  assert.ok(next.usage.cache_read_input_tokens > 50);
  const counted = await client.messages.countTokens({ model, messages: first });
  assert.equal(counted.input_tokens, answer.usage.input_tokens + answer.usage.cache_read_input_tokens);
});

test('an answer goes on where the last message ends', async () => {
  const whole = textOf(await client.messages.create(greedy()));
  const begun = whole.slice(0, 3);
  const rest = await client.messages.create(greedy({ messages: [...messages, { role: 'assistant', content: begun }] }));
  assert.ok(!textOf(rest).startsWith(begun));
});

test('a stop sequence is told', async () => {
  const whole = textOf(await client.messages.create(greedy()));
  const stop = whole.slice(2, 4);
  const cut = await client.messages.create(greedy({ stop_sequences: [stop] }));
  assert.equal(textOf(cut), whole.slice(0, whole.indexOf(stop)));
  assert.equal(cut.stop_reason, 'stop_sequence');
  assert.equal(cut.stop_sequence, stop);
});

const tools = [
  {
    name: 'get_weather',
    description: 'Tells the weather of a city.',
    input_schema: { type: 'object', properties: { city: { enum: ['Paris', 'Rome'] } }, required: ['city'] },
  },
  { name: 'get_time', input_schema: { type: 'object', properties: {} } },
];
const asked = [{ role: 'user', content: 'What is the weather in Paris?' }];
const calling = (more = {}) =>
  greedy({ messages: asked, tools, tool_choice: { type: 'any', disable_parallel_tool_use: true }, max_tokens: 200, ...more });

function assertCall(block) {
  assert.equal(block.type, 'tool_use');
  assert.match(block.id, /^toolu_/);
  if (block.name === 'get_time') return assert.deepEqual(block.input, {});
  assert.equal(block.name, 'get_weather');
  assert.deepEqual(Object.keys(block.input), ['city']);
  assert.match(block.input.city, /^(Paris|Rome)$/);
}

test('a tool is called, answered, and the conversation goes on', async () => {
  const call = await client.messages.create(calling());
  assert.equal(call.stop_reason, 'tool_use');
  assert.equal(call.content.length, 1);
  assertCall(call.content[0]);
  const result = { type: 'tool_result', tool_use_id: call.content[0].id, content: [{ type: 'text', text: 'Sunny.' }] };
  const messages = [...asked, { role: 'assistant', content: call.content }, { role: 'user', content: [result] }];
  const answer = await client.messages.create(greedy({ messages, tools, tool_choice: { type: 'none' } }));
  assert.ok(textOf(answer).length > 0);
  const named = await client.messages.create(calling({ messages, tool_choice: { type: 'tool', name: 'get_time' } }));
  assert.equal(named.content[0].name, 'get_time');
  const counted = await client.messages.countTokens({ model, messages, tools });
  assert.ok(counted.input_tokens > (await client.messages.countTokens({ model, messages })).input_tokens);
});

test("calls are streamed as the client's helper wants them", async () => {
  const whole = await client.messages.create(calling());
  const helper = client.messages.stream(calling());
  let json = '';
  helper.on('inputJson', (piece) => (json += piece));
  const final = await helper.finalMessage();
  assert.equal(final.stop_reason, 'tool_use');
  assertCall(final.content[0]);
  assert.deepEqual(JSON.parse(json), whole.content[0].input);
  assert.deepEqual(final.content[0].input, whole.content[0].input);
  assert.equal(final.content[0].name, whole.content[0].name);
});

test("the client's tool runner gets through a conversation", async () => {
  let city;
  const runner = client.beta.messages.toolRunner({
    ...calling({ tool_choice: { type: 'tool', name: 'get_weather' } }),
    max_iterations: 2,
    tools: [{ ...tools[0], run: (input) => ((city = input.city), 'Sunny.'), parse: (input) => input }],
  });
  await runner.runUntilDone();
  assert.match(city, /^(Paris|Rome)$/);
});

test('an answer is held to a schema', async () => {
  const schema = { type: 'object', properties: { sum: { type: 'integer' } }, required: ['sum'], additionalProperties: false };
  const answer = await client.messages.create(
    greedy({ max_tokens: 60, output_config: { format: { type: 'json_schema', schema } } }),
  );
  assert.ok(Number.isInteger(JSON.parse(textOf(answer)).sum));
});

test("errors arrive as the client's errors", async () => {
  const refused = (more, type, message) =>
    assert.rejects(client.messages.create(greedy(more)), (error) => {
      assert.ok(error instanceof type, String(error));
      assert.match(error.message, message);
      return true;
    });
  await refused({ messages: [] }, Anthropic.BadRequestError, /messages/);
  await refused({ temperature: 3 }, Anthropic.BadRequestError, /temperature/);
  await refused({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, Anthropic.BadRequestError, /tools\[0\]\.type/);
  await refused({ tools, tool_choice: { type: 'tool', name: 'g' } }, Anthropic.BadRequestError, /tool_choice\.name/);
  await refused({ model: 'claude' }, Anthropic.NotFoundError, /claude/);
});

test('an abandoned stream frees its sequence', async () => {
  const stream = client.messages.stream(greedy({ max_tokens: 400, temperature: 2, messages }));
  for await (const event of stream) {
    if (event.type === 'content_block_delta') break;
  }
  stream.abort();
  await within(2000, async () => (await troika.health()).running === 0, 'no sequence runs');
});
