// The official OpenAI client against the real binary and a real model.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { startTroika, within } from './troika.mjs';

let troika, client, model;
before(async () => {
  troika = await startTroika();
  ({ client, model } = troika);
});
after(() => troika?.stop());

const messages = [{ role: 'user', content: 'What is 2 + 3?' }];
const greedy = (more = {}) => ({ model, messages, temperature: 0, max_tokens: 24, ...more });
const chat = (more) => client.chat.completions.create(greedy(more));

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}
const textOf = (chunks, index = 0) =>
  chunks
    .flatMap((chunk) => chunk.choices)
    .filter((choice) => choice.index === index)
    .map((choice) => choice.delta.content ?? '')
    .join('');

test('a chat is answered, with usage that adds up', async () => {
  const answer = await chat();
  assert.equal(answer.object, 'chat.completion');
  assert.equal(answer.model, model);
  assert.equal(answer.choices.length, 1);
  assert.equal(answer.choices[0].message.role, 'assistant');
  assert.ok(answer.choices[0].message.content.length > 0);
  assert.match(answer.choices[0].finish_reason, /^(stop|length)$/);
  const { prompt_tokens, completion_tokens, total_tokens } = answer.usage;
  assert.ok(prompt_tokens > 5);
  assert.ok(completion_tokens >= 1 && completion_tokens <= 24);
  assert.equal(total_tokens, prompt_tokens + completion_tokens);
  assert.match(answer._request_id, /^req_/);
});

test('a stream adds up to the whole answer', async () => {
  const whole = await chat();
  const chunks = await collect(await chat({ stream: true, stream_options: { include_usage: true } }));
  assert.equal(textOf(chunks), whole.choices[0].message.content);
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.deepEqual(chunks.at(-1).usage, whole.usage);
  assert.equal(chunks.at(-2).choices[0].finish_reason, whole.choices[0].finish_reason);
});

test("the client's stream helper accepts our streams", async () => {
  const runner = client.chat.completions.stream(greedy({ n: 2, logprobs: true }));
  const final = await runner.finalChatCompletion();
  assert.equal(final.choices.length, 2);
  for (const choice of final.choices) assert.ok(choice.message.content.length > 0);
});

test('greedy choices are all the same, and interleave in a stream', async () => {
  const whole = await chat({ n: 2 });
  assert.equal(whole.choices[0].message.content, whole.choices[1].message.content);
  assert.deepEqual(whole.choices.map((choice) => choice.index), [0, 1]);
  const chunks = await collect(await chat({ n: 2, stream: true }));
  for (const index of [0, 1]) {
    assert.equal(textOf(chunks, index), whole.choices[0].message.content);
    const own = chunks.flatMap((chunk) => chunk.choices).filter((choice) => choice.index === index);
    assert.equal(own.filter((choice) => choice.delta.role).length, 1);
    assert.equal(own.filter((choice) => choice.finish_reason).length, 1);
  }
});

test('a stop string cuts the answer before it', async () => {
  const whole = (await chat()).choices[0].message.content;
  const at = Math.floor(whole.length / 2);
  const stop = whole.slice(at, at + 3);
  const expected = whole.slice(0, whole.indexOf(stop));
  const cut = await chat({ stop });
  assert.equal(cut.choices[0].message.content, expected);
  assert.equal(cut.choices[0].finish_reason, 'stop');
  assert.equal(textOf(await collect(await chat({ stop: [stop], stream: true }))), expected);
});

test('the same seed gives the same answer, other seeds others', async () => {
  const sample = async (seed) =>
    (await chat({ temperature: 2, seed, ignore_eos: true, max_tokens: 30 })).choices[0].message.content;
  assert.equal(await sample(7), await sample(7));
  const answers = new Set(await Promise.all([1, 2, 3, 4, 5].map(sample)));
  assert.ok(answers.size > 1);
});

test('log probabilities come for every token, the greedy one first', async () => {
  const answer = await chat({ logprobs: true, top_logprobs: 3 });
  const { content } = answer.choices[0].logprobs;
  assert.equal(content.length, answer.usage.completion_tokens);
  for (const entry of content) {
    assert.equal(entry.top_logprobs.length, 3);
    assert.equal(entry.top_logprobs[0].token, entry.token);
    assert.ok(entry.logprob <= 0 && Math.abs(entry.top_logprobs[0].logprob - entry.logprob) < 1e-4);
    assert.ok(entry.top_logprobs[1].logprob <= entry.top_logprobs[0].logprob);
  }
  const bytes = Buffer.from(content.flatMap((entry) => entry.bytes));
  assert.equal(bytes.toString('utf8'), answer.choices[0].message.content);
});

test('max_tokens 1 gives one token and says length', async () => {
  const answer = await chat({ max_tokens: 1, ignore_eos: true });
  assert.equal(answer.usage.completion_tokens, 1);
  assert.equal(answer.choices[0].finish_reason, 'length');
});

test('text completions: several prompts, ids, echo, scores', async () => {
  const complete = (more) =>
    client.completions.create({ model, temperature: 0, max_tokens: 8, prompt: 'Two', ...more });
  const one = await complete();
  const several = await complete({ prompt: ['Two', 'The capital of'], n: 2 });
  assert.deepEqual(several.choices.map((choice) => choice.index), [0, 1, 2, 3]);
  assert.equal(several.choices[0].text, one.choices[0].text);
  assert.equal(several.choices[1].text, one.choices[0].text);
  assert.equal((await complete({ echo: true })).choices[0].text, 'Two' + one.choices[0].text);

  const scored = await complete({ prompt: 'The capital of France', echo: true, logprobs: 2 });
  const { tokens, token_logprobs, text_offset } = scored.choices[0].logprobs;
  assert.equal(tokens.join(''), scored.choices[0].text);
  assert.equal(token_logprobs[0], null);
  assert.ok(token_logprobs.slice(1).every((value) => value <= 0));
  assert.equal(text_offset[1], tokens[0].length);

  let text = '';
  for await (const chunk of await complete({ stream: true })) text += chunk.choices[0].text;
  assert.equal(text, one.choices[0].text);
});

test('models are listed and found by name', async () => {
  assert.equal((await client.models.retrieve(model)).id, model);
  await assert.rejects(client.models.retrieve('some/other'), OpenAI.NotFoundError);
});

test('errors arrive as the errors of the client', async () => {
  const rejects = async (more, type, expected) => {
    for (const stream of [false, true]) {
      await assert.rejects(chat({ ...more, stream }), (error) => {
        assert.ok(error instanceof type, String(error));
        for (const [key, value] of Object.entries(expected)) assert.equal(error[key], value);
        return true;
      });
    }
  };
  const bad = OpenAI.BadRequestError;
  await rejects({ temperature: 3 }, bad, { param: 'temperature', type: 'invalid_request_error' });
  await rejects({ messages: [] }, bad, { param: 'messages' });
  await rejects({ model: 'gpt-4' }, OpenAI.NotFoundError, { code: 'model_not_found' });
  await rejects({ tools: [{ type: 'function', function: { name: 'a b' } }] }, bad, { param: 'tools[0].function.name' });
  const long = [{ role: 'user', content: 'word '.repeat(300_000) }];
  await rejects({ messages: long }, bad, { code: 'context_length_exceeded' });
});

test('a prompt that is one token too long is refused with exact counts', async () => {
  const { data } = await client.models.list();
  const context = data[0].meta.n_ctx;
  const { prompt_tokens } = (await chat({ max_tokens: 1 })).usage;
  await assert.rejects(chat({ max_tokens: context - prompt_tokens + 1 }), (error) => {
    assert.equal(error.status, 400);
    for (const count of [context, context + 1, prompt_tokens, context - prompt_tokens + 1])
      assert.match(error.message, new RegExp(`\\b${count}\\b`));
    return true;
  });
});

test('an abandoned stream frees its sequence', async () => {
  const stream = await chat({ stream: true, ignore_eos: true, max_tokens: 400 });
  let count = 0;
  for await (const chunk of stream) {
    assert.ok(chunk.choices);
    if (++count === 5) break;  // leaving the loop aborts the request
  }
  await within(2000, async () => (await troika.health()).running === 0, 'no sequence runs');

  const controller = new AbortController();
  const waiting = client.chat.completions.create(greedy({ ignore_eos: true, max_tokens: 400 }), {
    signal: controller.signal,
  });
  await within(5000, async () => (await troika.health()).running === 1, 'the request runs');
  controller.abort();
  await assert.rejects(waiting, OpenAI.APIUserAbortError);
  await within(2000, async () => (await troika.health()).running === 0, 'no sequence runs');
});
