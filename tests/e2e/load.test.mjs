// Ten clients at once, three of which hang up in the middle; and an orderly end.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTroika, within } from './troika.mjs';

let troika;
before(async () => {
  troika = await startTroika();
});
after(() => troika?.stop());

const kClients = 10;
const kHangUps = [1, 4, 7];

// A greedy answer of a fixed length, so that all streams overlap.
const request = (i) => ({
  model: troika.model,
  messages: [{ role: 'user', content: `Count from ${i + 1} to ${i + 30}, then spell the word number ${i}.` }],
  temperature: 0,
  max_tokens: 100 + i,
  ignore_eos: true,
  stream: true,
});

async function read(i, hangUpAfter = Infinity) {
  let text = '';
  let chunks = 0;
  for await (const chunk of await troika.client.chat.completions.create(request(i))) {
    text += chunk.choices[0].delta.content ?? '';
    if (++chunks === hangUpAfter) break;
  }
  return text;
}

const wave = () =>
  Promise.all(Array.from({ length: kClients }, (_, i) => read(i, kHangUps.includes(i) ? 20 : Infinity)));

test('hang-ups disturb nobody, and memory returns to its level', async () => {
  const alone = [];
  for (let i = 0; i < kClients; ++i) alone.push(await read(i));
  assert.ok(new Set(alone).size > 1);

  let level = 0;
  for (let round = 0; round < 4; ++round) {
    const together = await wave();
    for (let i = 0; i < kClients; ++i) {
      if (kHangUps.includes(i)) {
        assert.ok(alone[i].startsWith(together[i]) && together[i].length < alone[i].length);
      } else {
        assert.equal(together[i], alone[i], `client ${i} in round ${round}`);
      }
    }
    await within(2000, async () => {
      const { running, waiting } = await troika.health();
      return running === 0 && waiting === 0;
    }, 'all sequences are free');
    if (round === 0) level = troika.residentMegabytes();
  }
  const now = troika.residentMegabytes();
  assert.ok(now < level + 16, `${now} MB after ${level} MB`);
  assert.equal((await troika.health()).status, 'ok');
});

test('SIGTERM lets a running stream end and exits with 0', async () => {
  const stream = await troika.client.chat.completions.create({ ...request(0), max_tokens: 16 });
  let stopped;
  let finish;
  for await (const chunk of stream) {
    stopped ??= troika.stop();
    finish = chunk.choices[0].finish_reason;
  }
  assert.equal(finish, 'length');
  assert.deepEqual(await stopped, { code: 0, signal: null });
});
