// Structured output and tools: the official OpenAI client against the real binary and a real model.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTroika } from './troika.mjs';

let troika, client, model;
before(async () => {
  troika = await startTroika();
  ({ client, model } = troika);
});
after(() => troika?.stop());

const chat = (content, more = {}) =>
  client.chat.completions.create({ model, messages: [{ role: 'user', content }], max_tokens: 300, ...more });

const person = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 30 },
    age: { type: 'integer', minimum: 0, maximum: 150 },
    tags: { type: 'array', items: { enum: ['friend', 'colleague'] }, maxItems: 2 },
    address: { anyOf: [{ $ref: '#/$defs/address' }, { type: 'null' }] },
  },
  required: ['name', 'age', 'tags', 'address'],
  additionalProperties: false,
  $defs: { address: { type: 'object', properties: { zip: { type: 'string', pattern: '^[0-9]{5}$' } }, required: ['zip'] } },
};
const personFormat = { type: 'json_schema', json_schema: { name: 'person', strict: true, schema: person } };

function assertPerson(value) {
  assert.deepEqual(Object.keys(value), ['name', 'age', 'tags', 'address']);
  assert.ok([...value.name].length <= 30);
  assert.ok(Number.isInteger(value.age) && value.age >= 0 && value.age <= 150);
  assert.ok(value.tags.length <= 2 && value.tags.every((tag) => tag === 'friend' || tag === 'colleague'));
  if (value.address !== null) assert.match(value.address.zip, /^[0-9]{5}$/);
}

test('a schema is kept to, greedily and at the wildest temperature', async () => {
  const greedy = await chat('Ann is 33.', { response_format: personFormat, temperature: 0 });
  assert.equal(greedy.choices[0].finish_reason, 'stop');
  assertPerson(JSON.parse(greedy.choices[0].message.content));
  const wild = await chat('Ann is 33.', { response_format: personFormat, temperature: 2, n: 16, seed: 1 });
  for (const choice of wild.choices) {
    if (choice.finish_reason === 'stop') assertPerson(JSON.parse(choice.message.content));
  }
  assert.ok(wild.choices.some((choice) => choice.finish_reason === 'stop'));
});

test("the client's parse helper and stream helper accept it", async () => {
  const parsed = await client.chat.completions.parse({
    model,
    messages: [{ role: 'user', content: 'Ann is 33.' }],
    response_format: personFormat,
    temperature: 0,
  });
  assertPerson(JSON.parse(parsed.choices[0].message.content));
  const runner = client.chat.completions.stream({
    model,
    messages: [{ role: 'user', content: 'Ann is 33.' }],
    response_format: personFormat,
    temperature: 0,
  });
  const final = await runner.finalChatCompletion();
  assert.equal(final.choices[0].message.content, parsed.choices[0].message.content);
});

test('JSON, expressions, grammars and lists are kept to', async () => {
  const object = await chat('Say anything.', { response_format: { type: 'json_object' }, temperature: 1, seed: 3 });
  if (object.choices[0].finish_reason === 'stop') assert.equal(typeof JSON.parse(object.choices[0].message.content), 'object');
  const cases = [
    [{ guided_regex: '(yes|no), [a-z]{3,8}!' }, /^(yes|no), [a-z]{3,8}!$/],
    [{ grammar: 'root ::= "<" inner ">"\ninner ::= "(" inner ")" | [0-9]{1,3}' }, /^<\(*[0-9]{1,3}\)*>$/],
    [{ structured_outputs: { choice: ['red', 'green'] } }, /^(red|green)$/],
  ];
  for (const [fields, wanted] of cases) {
    const answer = await chat('Hello', { ...fields, temperature: 1.5, seed: 5 });
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.match(answer.choices[0].message.content, wanted);
  }
  const text = await client.completions.create({ model, prompt: 'x', guided_regex: 'a{3}', max_tokens: 20 });
  assert.equal(text.choices[0].text, 'aaa');
});

test('what cannot be honoured is refused with its place', async () => {
  const schema = { type: 'object', properties: { a: { not: {} } } };
  await assert.rejects(chat('x', { response_format: { type: 'json_schema', json_schema: { name: 'n', schema } } }), (error) => {
    assert.equal(error.status, 400);
    assert.equal(error.code, 'invalid_json_schema');
    assert.equal(error.param, 'response_format.json_schema.schema');
    assert.match(error.message, /\/properties\/a\/not/);
    return true;
  });
});

const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'Tells the weather of a city.',
      parameters: { type: 'object', properties: { city: { type: 'string', maxLength: 40 } }, required: ['city'] },
    },
  },
  { type: 'function', function: { name: 'get_time' } },
];

test('a tool is called where it must be, with arguments of its schema', async () => {
  const answer = await chat('What is the weather in Paris?', { tools, tool_choice: 'required', parallel_tool_calls: false });
  const [choice] = answer.choices;
  assert.equal(choice.finish_reason, 'tool_calls');
  assert.equal(choice.message.content, null);
  assert.equal(choice.message.tool_calls.length, 1);
  const [call] = choice.message.tool_calls;
  assert.match(call.id, /^call_/);
  const known = { get_weather: ['city'], get_time: [] };
  assert.deepEqual(Object.keys(JSON.parse(call.function.arguments)), known[call.function.name]);
  const named = await chat('Hello', { tools, tool_choice: { type: 'function', function: { name: 'get_time' } } });
  assert.equal(named.choices[0].message.tool_calls[0].function.name, 'get_time');
});

test("calls are streamed as the client's helper wants them", async () => {
  const runner = client.chat.completions.stream({
    model,
    messages: [{ role: 'user', content: 'What is the weather in Paris?' }],
    tools,
    tool_choice: 'required',
    parallel_tool_calls: false,
    temperature: 0,
  });
  const final = await runner.finalChatCompletion();
  assert.equal(final.choices[0].finish_reason, 'tool_calls');
  const [call] = final.choices[0].message.tool_calls;
  assert.equal(call.type, 'function');
  JSON.parse(call.function.arguments);
});

test("the client's tool runner gets through a conversation", async () => {
  let asked;
  const runner = client.chat.completions.runTools({
    model,
    messages: [{ role: 'user', content: 'What is the weather in Paris?' }],
    tools: [
      {
        type: 'function',
        function: {
          ...tools[0].function,
          parse: JSON.parse,
          function: ({ city }) => {
            asked = city;
            return 'Sunny.';
          },
        },
      },
    ],
    tool_choice: { type: 'function', function: { name: 'get_weather' } },
    max_tokens: 100,
  });
  await runner.done();
  assert.equal(typeof asked, 'string');
  assert.ok(runner.messages.some((message) => message.role === 'tool'));
});

test('a history with broken arguments does not fail for ever', async () => {
  const answer = await client.chat.completions.create({
    model,
    max_tokens: 20,
    tools,
    messages: [
      { role: 'user', content: 'What is the weather?' },
      { role: 'assistant', content: null, tool_calls: [{ id: 'c', type: 'function', function: { name: 'get_weather', arguments: '{"city": ' } }] },
      { role: 'tool', tool_call_id: 'c', content: 'The arguments were cut short.' },
    ],
  });
  assert.ok(answer.choices.length === 1);
});
