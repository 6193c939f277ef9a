// A browser on a running troika: pages that report what they should not do, and answers put into a model's mouth.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { startTroika } from '../e2e/troika.mjs';

const kChromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
const kArguments = ['--no-sandbox', '--headless', '--disable-gpu', '--disable-background-networking'];

export async function startBrowser(...options) {
  const troika = await startTroika(...options);
  const browser = await chromium.launch({ executablePath: kChromium, args: kArguments });
  return {
    troika,
    // A page of its own browser profile. `faults` gathers script errors, broken policies and requests to elsewhere.
    open: async (how = {}, path = '/') => {
      const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...how });
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      page.faults = watch(page, troika.url);
      await page.goto(troika.url + path);
      return page;
    },
    close: async () => {
      await browser.close();
      return troika.stop();
    },
  };
}

function watch(page, url) {
  const faults = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(url)) faults.push(`request: ${request.url()}`);
  });
  page.on('dialog', (dialog) => {
    if (dialog.type() === 'alert') faults.push(`alert: ${dialog.message()}`);
    void dialog.accept();
  });
  return faults;
}

export const box = (page) => page.getByRole('textbox', { name: 'Message', exact: true });

export async function ask(page, text) {
  await page.locator('.model select:enabled').waitFor({ state: 'attached' }); // before, there is nobody to ask
  await box(page).fill(text);
  await page.keyboard.press('Enter');
}

// Until the last answer is complete; its text.
export async function answerOf(page, count = 1) {
  await page.waitForFunction(
    (wanted) => document.querySelectorAll('.answer .cost').length === wanted && !document.querySelector('[aria-label="Stop"]'),
    count,
  );
  return page.locator('.answer .markdown').last().innerText();
}

// The next answers are `text`, in pieces, whatever is asked. The page and its policy stay the server's.
export async function putIntoMouth(page, text, reasoning = '') {
  const event = (delta, finish = null) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const pieces = (all, name) => (all.match(/[^]{1,7}/g) ?? []).map((piece) => event({ [name]: piece }));
  const body = [
    event({ role: 'assistant', content: '' }),
    ...pieces(reasoning, 'reasoning_content'),
    ...pieces(text, 'content'),
    event({}, 'stop'),
    'data: [DONE]\n\n',
  ].join('');
  await page.route('**/v1/chat/completions', (route) =>
    route.fulfill({ status: 200, contentType: 'text/event-stream', body }),
  );
}

// Requests of the page get these members besides.
export async function demand(page, members) {
  await page.route('**/v1/chat/completions', (route) =>
    route.continue({ postData: JSON.stringify({ ...route.request().postDataJSON(), ...members }) }),
  );
}

export function assertFaultless(page) {
  assert.deepEqual(page.faults, []);
}
