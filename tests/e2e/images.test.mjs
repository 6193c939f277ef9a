// Pictures through the official OpenAI client: a model that sees and, beside it, one that does not.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';
import { startTroika } from './troika.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const embedded = resolve(root, 'tests/embedded');
const questions = JSON.parse(readFileSync(resolve(embedded, 'heldout-pictures.json'), 'utf8'));
const seeing = 'troika-mini-vl';

let troika, client;
before(async () => {
  troika = await startTroika('--model', resolve(root, `models/${seeing}.gguf`));
  ({ client } = troika);
});
after(() => troika?.stop());

const dataUrl = (file) => `data:image/png;base64,${readFileSync(resolve(embedded, file)).toString('base64')}`;
const picture = (url) => ({ type: 'image_url', image_url: { url } });
const ask = (parts, more = {}) =>
  client.chat.completions.create({
    model: seeing,
    messages: [{ role: 'user', content: parts }],
    temperature: 0,
    max_tokens: 40,
    ...more,
  });
const askAbout = ({ pictures, question }, more) =>
  ask([...pictures.map((file) => picture(dataUrl(file))), { type: 'text', text: question }], more);

test('questions about pictures are answered', async () => {
  const some = questions.slice(0, 16);
  let right = 0;
  for (const one of some) {
    const answer = await askAbout(one);
    right += one.answers.includes(answer.choices[0].message.content.trim());
  }
  assert.ok(right >= some.length / 2, `${right} of ${some.length}`);
});

test('a stream adds up to the whole answer, and the tokens of the picture are counted', async () => {
  const whole = await askAbout(questions[0]);
  let text = '';
  let usage;
  for await (const chunk of await askAbout(questions[0], { stream: true, stream_options: { include_usage: true } })) {
    text += chunk.choices[0]?.delta.content ?? '';
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
  const blind = await ask([{ type: 'text', text: questions[0].question }]);
  assert.ok(whole.usage.prompt_tokens > blind.usage.prompt_tokens);
});

test('the models say which of them sees', async () => {
  const { data } = await client.models.list();
  assert.deepEqual(data.map((one) => one.capabilities.vision), [false, true]);
  assert.ok(data.every((one) => one.capabilities.context > 0 && one.capabilities.reasoning === false));
});

test('what cannot be shown is refused, and the server goes on', async () => {
  const part = 'messages[0].content[0]';
  const refused = async (request, status, param, says) =>
    assert.rejects(request, (error) => {
      assert.ok(error instanceof OpenAI.APIError);
      assert.equal(error.status, status);
      assert.equal(error.param, param);
      assert.match(error.message, says);
      return true;
    });
  const url = dataUrl(questions[0].pictures[0]);
  await refused(ask([picture(url)], { model: troika.model }), 400, part, /cannot see/);
  await refused(ask([picture(url.slice(0, -3))]), 400, `${part}.image_url.url`, /base64/);
  await refused(ask([picture('https://example.org/x.png')]), 400, `${part}.image_url.url`, /--allow-image-urls/);
  await refused(ask([picture('file:///etc/hostname')]), 400, `${part}.image_url.url`, /never/);
  const huge = `data:image/png;base64,${'A'.repeat(30_000_000)}`;
  await refused(ask([picture(huge)]), 413, `${part}.image_url.url`, /bytes/);
  await refused(ask(Array(1000).fill(picture(url))), 400, 'messages[0].content[16]', /16 pictures/);
  assert.equal((await troika.health()).status, 'ok');
});
