// A server with keys: the page asks for one, keeps it, and sends it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { within } from '../e2e/troika.mjs';
import { answerOf, ask, assertFaultless, startBrowser } from './browser.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const binary = process.env.TROIKA_BINARY ?? resolve(root, 'build/release/troika');
const file = join(mkdtempSync(join(tmpdir(), 'troika-')), 'keys');
const key = execFileSync(binary, ['key', 'ann', '--file', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

let browser;
before(async () => {
  process.env.OPENAI_API_KEY = key;
  browser = await startBrowser('--api-key-file', file);
});
after(() => browser?.close());

test('the key file has the digest and not the key, for its owner alone', () => {
  assert.match(key, /^tk-[0-9a-f]{48}$/);
  assert.match(readFileSync(file, 'utf8'), /^ann user sha256:[0-9a-f]{64}\n$/);
  assert.ok(!readFileSync(file, 'utf8').includes(key.slice(3)));
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('the official client is refused without the key and answered with it', async () => {
  const { client, url, model } = browser.troika;
  const messages = [{ role: 'user', content: 'What is 47 * 6?' }];
  await client.chat.completions.create({ model, messages });
  const stranger = client.withOptions({ apiKey: 'wrong', baseURL: `${url}/v1` });
  await assert.rejects(stranger.chat.completions.create({ model, messages }), (error) => error.status === 401);
});

test('the page asks for a key and stays with a right one', async () => {
  const page = await browser.open();
  await page.getByRole('dialog').getByText('This server wants a key').waitFor();
  await page.getByLabel('API key').fill('wrong');
  await page.getByRole('button', { name: 'Use this key' }).click();
  await page.getByRole('dialog').getByText('It does not know the one').waitFor();
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Use this key' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await ask(page, 'What is 47 * 6?');
  assert.match(await answerOf(page), /282/);
  await page.reload();
  await page.getByRole('button', { name: 'Dashboard', exact: true }).click();
  await page.locator('.tiles').waitFor();
  assert.equal(await page.getByRole('dialog').count(), 0);
  assertFaultless(page);
});

test('a key that no header can carry is asked for again', async () => {
  const page = await browser.open();
  await page.getByLabel('API key').fill('tk-…');
  await page.getByRole('button', { name: 'Use this key' }).click();
  await page.getByRole('dialog').getByText('It does not know the one').waitFor();
  await page.reload();
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Use this key' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.locator('.openings').waitFor();
  assertFaultless(page);
});

test('without a key the dashboard lets its reader cancel', async () => {
  const page = await browser.open({}, '/#dashboard');
  await page.locator('.dashboard .problem').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await new Promise((done) => setTimeout(done, 1500)); // longer than it waits between two looks
  assert.equal(await page.getByRole('dialog').count(), 0);
  assertFaultless(page);
});

test('the log says who asked and how it ended, and nothing of what was said', async () => {
  const { client, url, model, output } = browser.troika;
  await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Sesame is 47 * 6?' }] });
  await fetch(`${url}/v1/sesame%0Aforged?token=sesame`, { headers: { Authorization: `Bearer ${key}` } });
  await assert.rejects(client.chat.completions.create({ model, messages: [], user: 'sesame' }));
  await within(3000, () => /POST \/chat\/completions 400/.test(output()), 'the log has the refusal');
  assert.match(output(), /info: req_[0-9a-f]{24} POST \/chat\/completions 200 in \d+\.\d{3} s key=ann\n/);
  assert.doesNotMatch(output().replace(/req_[0-9a-f]{24}/g, ''), /sesame|282|forged/i);  // an id may have these digits
  assert.ok(!output().includes(key));
});

test('SIGHUP reads the keys again, and a broken file changes nothing', async () => {
  const { url, signal } = browser.troika;
  const status = async (text) =>
    (await fetch(`${url}/v1/models`, { headers: { Authorization: `Bearer ${text}` } })).status;
  const ann = readFileSync(file, 'utf8');
  const bob = execFileSync(binary, ['key', 'bob', '--file', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  assert.equal(await status(bob), 401);
  signal('SIGHUP');
  await within(3000, async () => (await status(bob)) === 200, 'the new key is known');
  appendFileSync(file, 'nonsense\n');
  signal('SIGHUP');
  await new Promise((done) => setTimeout(done, 200));
  assert.equal(await status(bob), 200);
  writeFileSync(file, ann);
  signal('SIGHUP');
  await within(3000, async () => (await status(bob)) === 401, 'the key is gone');
  assert.equal(await status(key), 200);
});
