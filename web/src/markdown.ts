// A model's Markdown as HTML that can do nothing: raw HTML is shown as the text it is, pictures become links (a
// picture that loads from elsewhere tells elsewhere), links lead to web and mail only, and what is left goes through
// DOMPurify. The page's Content-Security-Policy stands behind all that.
import DOMPurify from 'dompurify';
import { Marked, type Tokens } from 'marked';
import { Cell } from './cell';

type Highlight = (code: string, language: string) => string | null;

export const highlight = new Cell<Highlight | null>(null); // loaded with the first code

const kEscapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => kEscapes[c]);

const kTags = (
  'a b blockquote br button code del div em h1 h2 h3 h4 h5 h6 hr i input li ol p pre s span strong sub sup table ' +
  'tbody td th thead tr ul'
).split(' ');
const kPlainAttributes = ['align', 'checked', 'class', 'disabled', 'rel', 'start', 'tabindex', 'target', 'title', 'type'];
const kSafeUrl = /^(?:https?:|mailto:)/i;

function link(href: string, title: string | null | undefined, inner: string): string {
  if (!kSafeUrl.test(href)) return inner;
  const hint = title ? ` title="${escape(title)}"` : '';
  return `<a href="${escape(href)}"${hint} target="_blank" rel="noopener noreferrer">${inner}</a>`;
}

function code({ text, lang }: Tokens.Code): string {
  const language = (lang ?? '').match(/^[\w+#-]*/)![0].toLowerCase();
  if (!highlight.get()) void import('./highlight').then((module) => highlight.set(module.highlightCode));
  const inner = highlight.get()?.(text, language) ?? escape(text);
  return (
    `<div class="code"><div class="code-head"><span>${escape(language || 'text')}</span>` +
    `<button type="button" class="copy-code">Copy</button></div>` +
    `<pre tabindex="0"><code>${inner}</code></pre></div>`
  );
}

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => escape(text),
    image: ({ href, title, text }) => link(href, title, `🖼 ${escape(text || href)}`),
    link({ href, title, tokens }) {
      return link(href, title, this.parser.parseInline(tokens));
    },
    code,
    table(token) {
      const head = token.header.map((cell) => this.tablecell(cell)).join('');
      const rows = token.rows.map((row) => `<tr>${row.map((cell) => this.tablecell(cell)).join('')}</tr>`).join('');
      return `<div class="table"><table><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`;
    },
  },
});

export function renderMarkdown(text: string): string {
  return DOMPurify.sanitize(marked.parse(text, { async: false }), {
    ALLOWED_TAGS: kTags,
    ALLOWED_ATTR: ['href', ...kPlainAttributes],
    ALLOWED_URI_REGEXP: kSafeUrl,
    ADD_URI_SAFE_ATTR: kPlainAttributes, // the pattern is for what leads somewhere
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  });
}
