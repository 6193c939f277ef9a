// The dashboard shows what the engine does, as it does it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertFaultless, startBrowser } from './browser.mjs';

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.close());

const generate = (tokens) =>
  browser.troika.client.chat.completions.create({
    model: browser.troika.model,
    messages: [{ role: 'user', content: 'Count from 1 to 99.' }],
    max_tokens: tokens,
    ignore_eos: true,
  });

// On a slow machine the server ends before the answer does.
const keepBusy = (tokens) => void generate(tokens).catch(() => {});

const tile = (page, name) => page.locator('.tile').filter({ hasText: name }).locator('b').innerText();

test('numbers come to life while the engine works', async () => {
  const page = await browser.open({}, '/#dashboard');
  await page.getByText('Generated').first().waitFor();
  assert.equal(await tile(page, 'Requests'), '0');
  for (let i = 0; i < 3; ++i) await generate(400);
  await page.waitForFunction(() => {
    const tiles = [...document.querySelectorAll('.tile')].map((t) => t.querySelector('b').textContent);
    return parseFloat(tiles[0].replace(',', '')) > 10 && /\d+ ms/.test(tiles[1]) && tiles[5] === '3';
  });
  assert.match(await page.locator('.tile').first().innerText(), /1,200 in all/);
  assert.match(await page.getByRole('region', { name: 'troika-mini' }).innerText(), /18 M[^]*0 of 2,\d+ pages|pages/);
  assert.match(await page.locator('.card').filter({ hasText: 'Answers by route' }).innerText(), /\/chat\/completions\s+200\s+3/);
  assert.equal(await page.locator('.chart canvas').count(), 4);
  assertFaultless(page);
});

test('devices say how busy they are, and of the machine only what it has sensors for', async () => {
  const page = await browser.open({}, '/#dashboard');
  const line = page.getByLabel('Devices');
  await line.waitFor();
  keepBusy(1900);
  await page.waitForFunction(() => /CPU [1-9]\d* %/.test(document.querySelector('.readings').textContent));
  await page.route('**/api/troika/status', async (route) => {
    const status = await (await route.fetch()).json();
    status.machine.sensors = [
      { name: 'cpu', celsius: 71.25, watts: 23.6 },
      { name: 'gpu', celsius: 49, busy: 0.63 },
    ];
    await route.fulfill({ json: status });
  });
  await line.getByText('GPU').waitFor();
  assert.match(await line.innerText(), /CPU \d+ % · 71 °C · 24 W\s*GPU 63 % · 49 °C$/);
  assertFaultless(page);
});

test('charts have something drawn in them', async () => {
  const page = await browser.open({}, '/#dashboard');
  await page.locator('.chart canvas').first().waitFor();
  keepBusy(1500);
  await page.waitForTimeout(2500);
  const colours = await page.locator('.chart canvas').first().evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) seen.add(data.slice(i, i + 3).join());
    return seen.size;
  });
  assert.ok(colours > 3, `${colours} colours`);
  assertFaultless(page);
});

test('a server that is gone is said to be, and the numbers stay', async () => {
  const page = await browser.open({}, '/#dashboard');
  await page.locator('.tiles').waitFor();
  await page.route('**/api/troika/status', (route) => route.abort());
  await page.getByRole('alert').getByText('The server does not answer.').waitFor();
  assert.equal(await page.locator('.tile').count(), 6);
  await page.unroute('**/api/troika/status');
  await page.getByRole('alert').waitFor({ state: 'detached' });
});
