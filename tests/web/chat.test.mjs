// The chat in a browser, against the built binary and its embedded model.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { within } from '../e2e/troika.mjs';
import { answerOf, ask, assertFaultless, box, demand, putIntoMouth, startBrowser } from './browser.mjs';

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.close());

const status = async () => (await (await fetch(`${browser.troika.url}/api/troika/status`)).json()).models[0];

test('an answer streams in and says what it cost', async () => {
  const page = await browser.open();
  await demand(page, { ignore_eos: true, max_tokens: 1500, temperature: 0 });
  await ask(page, 'Count from 1 to 90.');
  const lengths = new Set();
  while (await page.getByRole('button', { name: 'Stop' }).isVisible().catch(() => false)) {
    lengths.add((await page.locator('.answer .markdown').innerText()).length);
  }
  const text = await answerOf(page);
  assert.ok(text.length > 100, text);
  assert.ok(lengths.size >= 3, `the text was seen in ${lengths.size} lengths`);
  assert.match(await page.locator('.cost').innerText(), /troika-mini · 1,500 tokens · [\d,.]+ tokens\/s · first after \d+ ms/);
  assertFaultless(page);
});

test('an opening is answered with a click, and a second question knows the first', async () => {
  const page = await browser.open();
  let sent;
  page.on('request', (request) => {
    if (request.url().endsWith('/v1/chat/completions')) sent = request.postDataJSON();
  });
  await page.getByRole('button', { name: 'What is 47 * 6?' }).click();
  assert.match(await answerOf(page), /282/);
  await ask(page, 'Who are you?');
  await answerOf(page, 2);
  assert.deepEqual(sent.messages.map((m) => m.role), ['user', 'assistant', 'user']);
  assertFaultless(page);
});

test('stop ends the answer in the page and in the engine', async () => {
  const page = await browser.open();
  await demand(page, { ignore_eos: true, max_tokens: 1900 });
  const { cancelled } = (await status()).totals;
  await ask(page, 'Count from 1 to 999.');
  await page.locator('.answer .markdown').getByText(/\w/).first().waitFor();
  await page.locator('.answer').click();
  await page.keyboard.press('Escape'); // wherever the focus is
  await answerOf(page);
  assert.match(await page.locator('.cost').innerText(), /stopped/);
  await within(3000, async () => {
    const now = await status();
    return now.totals.cancelled === cancelled + 1 && now.running === 0;
  }, 'the engine gave the sequence up');
  await page.unroute('**/v1/chat/completions');
  await ask(page, 'Who are you?');
  assert.match(await answerOf(page, 2), /Troika/);
  assertFaultless(page);
});

test('a reload keeps the chats, and deleting one forgets it', async () => {
  const page = await browser.open();
  await ask(page, 'What does grep do?');
  const text = await answerOf(page);
  await page.reload();
  await page.locator('.chat-link', { hasText: 'What does grep do?' }).click(); // not the opening of the same words
  await page.locator('.bubble').waitFor();
  assert.equal(await page.locator('.answer .markdown').innerText(), text);
  await page.getByRole('button', { name: 'Delete the chat “What does grep do?”' }).click();
  await page.locator('.welcome').waitFor();
  await page.reload();
  await page.getByText('Your chats will stand here.').waitFor();
  assertFaultless(page);
});

test('a reload in the middle of an answer keeps what had come', async () => {
  const page = await browser.open();
  const event = (text) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] })}\n\n`;
  await page.addInitScript((pieces) => {
    const real = window.fetch;
    window.fetch = (path, init) => {
      if (!String(path).endsWith('/chat/completions')) return real(path, init);
      const body = new ReadableStream({
        async start(stream) {
          for (const piece of pieces) {
            stream.enqueue(new TextEncoder().encode(piece));
            await new Promise((done) => setTimeout(done, 700));
          }
        },
      });
      return Promise.resolve(new Response(body, { headers: { 'Content-Type': 'text/event-stream' } }));
    };
  }, 'one two three four five six'.split(' ').map((word) => event(`${word} `)));
  await page.reload();
  await ask(page, 'Count slowly.');
  await page.locator('.answer').getByText('six').waitFor();
  await page.reload();
  await page.locator('.chat-link').click();
  await page.locator('.answer').getByText('one two three').waitFor();
  assert.match(await page.locator('.cost').innerText(), /broken off/);
  assertFaultless(page);
});

test('a question can be changed and an answer asked for again', async () => {
  const page = await browser.open();
  await ask(page, 'What is 1 + 1?');
  assert.match(await answerOf(page), /2/);
  await page.locator('.question').hover();
  await page.getByRole('button', { name: 'Edit and ask again' }).click();
  await page.getByRole('textbox', { name: 'Your message' }).fill('What is 47 * 6?');
  await page.getByRole('button', { name: 'Ask again', exact: true }).click();
  await page.locator('.answer').getByText('282').waitFor();
  await answerOf(page);
  assert.equal(await page.locator('.message').count(), 2);
  await page.getByRole('button', { name: 'Answer again' }).click();
  await answerOf(page);
  assert.match(await page.locator('.answer').innerText(), /282/);
  assert.equal(await page.locator('.message').count(), 2);
  assertFaultless(page);
});

test('settings go with the request and stay', async () => {
  const page = await browser.open();
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await page.getByLabel('System prompt').fill('You count sheep.');
  await page.getByLabel('Temperature').fill('0');
  await page.getByLabel('Longest answer').fill('5');
  await page.getByLabel('Longest answer').fill('5.5'); // no number of tokens: 5 stays
  await page.reload();
  const request = page.waitForRequest('**/v1/chat/completions');
  await ask(page, 'Count from 1 to 99.');
  const body = (await request).postDataJSON();
  assert.deepEqual(body.messages[0], { role: 'system', content: 'You count sheep.' });
  assert.equal(body.temperature, 0);
  assert.equal(body.max_tokens, 5);
  assert.equal('top_p' in body, false);
  await answerOf(page);
  assert.match(await page.locator('.cost').innerText(), /5 tokens.*cut at the limit/);
  assertFaultless(page);
});

test('reasoning is folded away once the answer begins', async () => {
  const page = await browser.open();
  await putIntoMouth(page, 'It is **four**.', 'Two and two. Let me add them.');
  await ask(page, 'What is two and two?');
  assert.equal(await answerOf(page).then((text) => text.trim()), 'It is four.');
  const thoughts = page.locator('details.reasoning');
  assert.equal(await thoughts.getAttribute('open'), null);
  await thoughts.locator('summary').click();
  await page.getByText('Let me add them.').waitFor();
  assertFaultless(page);
});

test('a chat is exported as Markdown and as JSON', async () => {
  const page = await browser.open();
  await ask(page, 'What is 47 * 6?');
  await answerOf(page);
  const save = async (what) => {
    await page.getByLabel('Export this chat').click();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: what }).click();
    const file = await download;
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
  };
  const markdown = await save('Export as Markdown');
  assert.equal(markdown.name, 'What-is-47-6.md');
  assert.match(markdown.text, /^# What is 47 \* 6\?\n\n## You\n\nWhat is 47 \* 6\?\n\n## troika-mini\n\n.*282/);
  const json = JSON.parse((await save('Export as JSON')).text);
  assert.deepEqual(json.messages.map((m) => m.role), ['user', 'assistant']);
  assertFaultless(page);
});

test('an error of the server is shown in its words, and asking again helps', async () => {
  const page = await browser.open();
  await demand(page, { temperature: 99 });
  await ask(page, 'Who are you?');
  await page.locator('.failure').getByText(/temperature/).waitFor();
  await page.unroute('**/v1/chat/completions');
  await page.getByRole('button', { name: 'Answer again' }).click();
  assert.match(await answerOf(page), /Troika/);
  assertFaultless(page);
});

test('a question without an answer is not shown to the model again', async () => {
  const page = await browser.open();
  await putIntoMouth(page, '');
  await ask(page, 'Say nothing.');
  await answerOf(page);
  await page.unroute('**/v1/chat/completions');
  const request = page.waitForRequest('**/v1/chat/completions');
  await ask(page, 'Who are you?');
  assert.deepEqual((await request).postDataJSON().messages, [{ role: 'user', content: 'Who are you?' }]);
  assert.match(await answerOf(page, 2), /Troika/);
  assertFaultless(page);
});

test('a message of several lines is written with Shift+Enter', async () => {
  const page = await browser.open();
  await box(page).fill('one');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('two');
  assert.equal(await box(page).inputValue(), 'one\ntwo');
});

test('a picture for a model that does not see is refused kindly', async () => {
  const page = await browser.open();
  await page.locator('.openings').waitFor(); // the model is known
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(['x'], 'a.png', { type: 'image/png' }));
    document.querySelector('textarea').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
  });
  await page.getByText('troika-mini does not see pictures.').waitFor();
  assertFaultless(page);
});
