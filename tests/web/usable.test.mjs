// The page for everybody: names for what can be used, an order of focus, contrast, the keyboard alone, a phone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answerOf, ask, assertFaultless, box, startBrowser } from './browser.mjs';

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.close());

const kUsable = ['button', 'link', 'textbox', 'combobox', 'spinbutton', 'checkbox', 'DisclosureTriangle', 'img', 'image'];

// Everything that a screen reader stops at has a name.
async function assertNamed(page, where) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const usable = nodes.filter((node) => !node.ignored && kUsable.includes(node.role?.value));
  assert.ok(usable.length > 3, where);
  const nameless = usable.filter((node) => !node.name?.value).map((node) => node.role.value);
  assert.deepEqual(nameless, [], where);
}

test('whatever can be used has a name', async () => {
  const page = await browser.open();
  await page.locator('.openings').waitFor();
  await assertNamed(page, 'welcome');
  await ask(page, 'What does grep do?');
  await answerOf(page);
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await assertNamed(page, 'chat');
  await page.getByRole('button', { name: 'Dashboard', exact: true }).click();
  await page.locator('.tiles').waitFor();
  await assertNamed(page, 'dashboard');
});

test('there is one main, one first heading, and each id once', async () => {
  const page = await browser.open();
  await ask(page, 'Who are you?');
  await answerOf(page);
  for (const show of ['.chat-link', '.new-chat', '.side-link']) {
    await page.locator(show).click();
    await page.locator(show === '.side-link' ? '.tiles' : '.composer').waitFor();
    const found = await page.evaluate(() => ({
      lang: document.documentElement.lang,
      mains: document.querySelectorAll('main').length,
      firsts: document.querySelectorAll('h1').length,
      ids: [...document.querySelectorAll('[id]')].map((e) => e.id),
    }));
    assert.equal(found.lang, 'en');
    assert.equal(found.mains, 1);
    assert.equal(found.firsts, 1);
    assert.equal(new Set(found.ids).size, found.ids.length);
  }
});

test('the keyboard alone leads through the page in reading order, and is seen', async () => {
  const page = await browser.open();
  await page.locator('.openings').waitFor();
  await page.evaluate(() => document.activeElement.blur());
  const seen = [];
  for (let i = 0; i < 14; ++i) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(e);
      const ringed = outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;
      return { name: e.getAttribute('aria-label') ?? e.textContent.trim().slice(0, 30), ringed, tag: e.localName };
    });
    seen.push(at.tag === 'select' ? 'Model' : at.name);
    assert.ok(at.ringed || at.tag === 'textarea' || at.tag === 'body', `${at.name} shows that it has the focus`);
    if (at.name === 'Message') break;
  }
  const order = ['Skip to the content', 'New chat', 'Dashboard', 'Model', 'Settings', 'Who are you?', 'Message'];
  assert.deepEqual(order.filter((name) => seen.includes(name)), order, seen.join(', '));
  assert.deepEqual(seen.filter((name) => order.includes(name)), order, seen.join(', '));
  await page.keyboard.type('What is 47 * 6?');
  await page.keyboard.press('Enter');
  assert.match(await answerOf(page), /282/);
  assert.ok(await box(page).evaluate((e) => e === document.activeElement), 'the next question can be typed at once');
  assertFaultless(page);
});

const kPairs = [
  ['--ink', '--paper'], ['--ink', '--sheet'], ['--ink', '--sunk'], ['--ink', '--accent-wash'],
  ['--soft', '--paper'], ['--soft', '--sheet'], ['--soft', '--sunk'],
  ['--faint', '--paper'], ['--faint', '--sheet'], ['--faint', '--sunk'],
  ['--accent', '--paper'], ['--accent', '--accent-wash'], ['--accent-ink', '--accent'], ['--bad', '--accent-wash'],
];

for (const colorScheme of ['light', 'dark']) {
  test(`text stands out from its ground in ${colorScheme}`, async () => {
    const page = await browser.open({ colorScheme });
    const ratios = await page.evaluate((pairs) => {
      const style = getComputedStyle(document.documentElement);
      const light = (name) => {
        const hex = style.getPropertyValue(name).trim().slice(1);
        const [r, g, b] = [0, 2, 4].map((i) => {
          const c = parseInt(hex.slice(i, i + 2), 16) / 255;
          return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      return pairs.map(([a, b]) => {
        const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
        return [`${a} on ${b}`, (high + 0.05) / (low + 0.05)];
      });
    }, kPairs);
    for (const [pair, ratio] of ratios) assert.ok(ratio >= 4.5, `${pair}: ${ratio.toFixed(2)}`);
  });
}

test('a chosen look stays, whatever the system says', async () => {
  const page = await browser.open({ colorScheme: 'light' });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  const button = page.getByRole('button', { name: /^Colours/ });
  await button.click();
  await button.click();
  await page.getByRole('button', { name: /^Colours: dark/ }).waitFor();
  assert.notEqual(await ground(), light);
  await page.reload();
  await page.getByRole('button', { name: /^Colours: dark/ }).waitFor();
  assert.notEqual(await ground(), light);
});

test('a phone shows all of it without scrolling sideways', async () => {
  const page = await browser.open({ viewport: { width: 360, height: 740 }, hasTouch: true });
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  await ask(page, 'What does grep do?');
  await answerOf(page);
  assert.equal(await wide(), false);
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  assert.equal(await wide(), false);
  await page.getByRole('button', { name: 'Close the settings' }).click();
  await page.getByRole('button', { name: 'Chats and dashboard' }).click();
  await page.getByRole('button', { name: 'Dashboard', exact: true }).click();
  await page.locator('.tiles').waitFor();
  assert.equal(await wide(), false);
  assert.equal(await page.locator('.board').evaluate((e) => e.scrollWidth > e.clientWidth), false);
  assertFaultless(page);
});
