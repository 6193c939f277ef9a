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

test("errors arrive as the client's errors", async () => {
  const refused = (more, type, message) =>
    assert.rejects(client.messages.create(greedy(more)), (error) => {
      assert.ok(error instanceof type, String(error));
      assert.match(error.message, message);
      return true;
    });
  await refused({ messages: [] }, Anthropic.BadRequestError, /messages/);
  await refused({ temperature: 3 }, Anthropic.BadRequestError, /temperature/);
  await refused({ tools: [{ name: 'f', input_schema: { type: 'object' } }] }, Anthropic.BadRequestError, /tools/);
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
