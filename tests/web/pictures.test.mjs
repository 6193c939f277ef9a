// Pictures by file, paste and drop, for a model that sees.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { answerOf, ask, assertFaultless, box, startBrowser } from './browser.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const picture = resolve(root, 'tests/embedded/pictures/001.jpg');

let browser;
before(async () => {
  browser = await startBrowser('--model', resolve(root, 'models/troika-mini-vl.gguf'));
});
after(() => browser?.close());

async function openWithEyes() {
  const page = await browser.open();
  await page.getByRole('combobox', { name: 'Model' }).selectOption('troika-mini-vl');
  await page.getByRole('button', { name: 'Add pictures' }).waitFor();
  return page;
}

// Gives the page the file as the user's hand would: `kind` is "paste" or "drop".
const hand = (page, kind, base64) =>
  page.evaluate(
    ([kind, base64]) => {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], 'a.jpg', { type: 'image/jpeg' }));
      const event =
        kind === 'paste'
          ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true })
          : new DragEvent('drop', { dataTransfer: data, bubbles: true });
      document.querySelector('.composer textarea').dispatchEvent(event);
    },
    [kind, base64],
  );

test('a picture from a file goes to the model, which answers about it', async () => {
  const page = await openWithEyes();
  await page.getByLabel('Picture files').setInputFiles(picture);
  await page.getByAltText('Picture 1', { exact: true }).waitFor();
  const request = page.waitForRequest('**/v1/chat/completions');
  await ask(page, 'What is the largest shape?');
  const [image, text] = (await request).postDataJSON().messages[0].content;
  assert.match(image.image_url.url, /^data:image\/jpeg;base64,/);
  assert.equal(text.text, 'What is the largest shape?');
  assert.match(await answerOf(page), /\w+/);
  assert.equal(await page.getByAltText('Picture 1 of your message').count(), 1);
  await page.reload();
  await page.getByRole('button', { name: 'What is the largest shape?', exact: true }).first().click();
  await page.getByAltText('Picture 1 of your message').waitFor();
  assertFaultless(page);
});

test('pictures are pasted, dropped and taken out again', async () => {
  const page = await openWithEyes();
  const base64 = readFileSync(picture).toString('base64');
  await hand(page, 'paste', base64);
  await page.getByAltText('Picture 1', { exact: true }).waitFor();
  await hand(page, 'drop', base64);
  await page.getByAltText('Picture 2', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Remove picture 2' }).click();
  await page.getByAltText('Picture 2', { exact: true }).waitFor({ state: 'detached' });
  await hand(page, 'paste', Buffer.from('no picture').toString('base64'));
  await page.getByText('a.jpg is not a picture that the browser can read.').waitFor();
  assert.equal(await box(page).getAttribute('placeholder'), 'Ask, or paste a picture');
  assertFaultless(page);
});
