// Several models: what the page says of one that is not loaded, and how it is loaded and unloaded.
import assert from 'node:assert/strict';
import { dirname, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { answerOf, ask, assertFaultless, startBrowser } from './browser.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

let browser;
before(async () => {
  browser = await startBrowser('--model', resolve(root, 'models/troika-mini-vl.gguf'), '--no-store');
});
after(() => browser?.close());

test('a model is unloaded on the dashboard and loaded by the first question', async () => {
  const page = await browser.open({}, '/#dashboard');
  const card = page.getByRole('region', { name: 'Models' });
  await card.getByRole('button', { name: 'Unload troika-mini-vl' }).click();
  await card.getByText('not loaded').waitFor();
  await page.getByRole('region', { name: 'troika-mini-vl' }).waitFor({ state: 'detached' }); // with the next status
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/models.png`, fullPage: true });

  await page.goto(browser.troika.url);
  await page.getByRole('combobox', { name: 'Model' }).selectOption('troika-mini-vl');
  await page.getByText('the first question loads it').waitFor();
  await ask(page, 'Who are you?');
  assert.ok((await answerOf(page)).length > 0);
  await page.getByText('sees pictures').waitFor();
  assertFaultless(page);
});

test('a model is loaded by its button', async () => {
  const page = await browser.open({}, '/#dashboard');
  const card = page.getByRole('region', { name: 'Models' });
  await card.getByRole('button', { name: 'Unload troika-mini-vl' }).click();
  await card.getByRole('button', { name: 'Load troika-mini-vl', exact: true }).click();
  await card.getByRole('button', { name: 'Unload troika-mini-vl' }).waitFor();
  await page.getByRole('region', { name: 'troika-mini-vl' }).waitFor();
  assertFaultless(page);
});

test('how far a model is and what an alias stands for stand on the dashboard', async () => {
  const aliased = await startBrowser('--model', resolve(root, 'models/troika-mini-vl.gguf'), '--no-store',
    '--alias', 'see=troika-mini-vl');
  try {
    const page = await aliased.open({}, '/#dashboard');
    const card = page.getByRole('region', { name: 'Models' });
    await card.getByText('stands for troika-mini-vl').waitFor();
    assert.equal(await card.getByRole('button', { name: 'Unload see' }).count(), 0);
    await card.getByRole('button', { name: 'Unload troika-mini-vl' }).click();
    await card.getByText('not loaded').waitFor();
    await page.getByRole('region', { name: 'troika-mini-vl' }).waitFor({ state: 'detached' });
    // This model is there too soon to be seen half loaded, so the status says for a while what it says of a large one.
    await page.route('**/api/troika/status', async (route) => {
      const response = await route.fetch();
      const status = await response.json();
      status.loading = [{ id: 'troika-mini-vl', state: 'loading', share: 0.42 }];
      await route.fulfill({ response, json: status });
    });
    await card.getByText('is being loaded, 42 %').waitFor();
    await page.unroute('**/api/troika/status');
    await card.getByText('not loaded').waitFor();
    await card.getByRole('button', { name: 'Load troika-mini-vl', exact: true }).click();
    await page.getByRole('region', { name: 'troika-mini-vl' }).waitFor(); // with the next status

    await card.getByRole('button', { name: 'Unload troika-mini-vl' }).click();
    await card.getByText('not loaded').waitFor();
    await page.goto(aliased.troika.url);
    await page.getByRole('combobox', { name: 'Model' }).selectOption('see');
    await ask(page, 'Who are you?'); // a stream that begins with comments
    assert.ok((await answerOf(page)).length > 0);
    assertFaultless(page);
  } finally {
    await aliased.close();
  }
});
