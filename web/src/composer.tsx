// Where the user writes: text, and pictures by file, paste or drop for models that see.
import { useEffect, useRef, useState } from 'preact/hooks';
import { useCell } from './cell';
import { ask, canAsk, running, stop } from './conversation';
import { Icon } from './icons';
import { isPicture, kAccept, kMostPictures, readPicture } from './pictures';
import { activeModel, chosenModel, models } from './settings';

export function Composer() {
  useCell(models);
  useCell(chosenModel);
  const busy = useCell(running);
  const [text, setText] = useState('');
  const [pictures, setPictures] = useState<string[]>([]);
  const [notice, setNotice] = useState('');
  const [over, setOver] = useState(false); // a drag is above the page
  const box = useRef<HTMLTextAreaElement>(null);
  const file = useRef<HTMLInputElement>(null);
  const model = activeModel();
  const sees = model?.capabilities?.vision ?? false;
  const ready = !!model && !busy && (text.trim() !== '' || (sees && pictures.length > 0));

  const add = async (files: Iterable<File>) => {
    const found = [...files].filter(isPicture);
    if (found.length === 0) return;
    if (!sees) return setNotice(`${model?.id ?? 'This model'} does not see pictures.`);
    setNotice('');
    for (const picture of found) {
      try {
        const url = await readPicture(picture);
        setPictures((all) => (all.length < kMostPictures ? [...all, url] : all));
      } catch (error) {
        setNotice((error as Error).message);
      }
    }
  };
  const latest = useRef(add); // listeners on the window outlive a drawing
  latest.current = add;

  useEffect(() => {
    const onDrag = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      setOver(event.type === 'dragover');
      if (event.type === 'drop') void latest.current(event.dataTransfer.files);
    };
    const kinds = ['dragover', 'dragleave', 'drop'] as const;
    for (const kind of kinds) addEventListener(kind, onDrag);
    return () => kinds.forEach((kind) => removeEventListener(kind, onDrag));
  }, []);
  useEffect(() => {
    if (matchMedia('(hover: hover)').matches) box.current?.focus(); // no keyboard that pops up on a phone
  }, []);
  useEffect(() => {
    const area = box.current!;
    area.style.height = 'auto';
    area.style.height = `${Math.min(area.scrollHeight, 240)}px`;
  }, [text]);

  const send = () => {
    if (!ready || !canAsk()) return; // a second Enter comes before the page is drawn again
    void ask(text.trim(), sees ? pictures : []);
    setText('');
    setPictures([]);
    setNotice('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    }
  };
  return (
    <form class={`composer ${over ? 'over' : ''}`} aria-label="Your message" onSubmit={(e) => (e.preventDefault(), send())}>
      {notice && (
        <p class="notice" role="alert">
          {notice}
        </p>
      )}
      <div class="composer-box">
        {pictures.length > 0 && (
          <div class="thumbs">
            {pictures.map((url, i) => (
              <span class="thumb" key={i}>
                <img src={url} alt={`Picture ${i + 1}`} />
                <button
                  type="button"
                  aria-label={`Remove picture ${i + 1}`}
                  onClick={() => setPictures((all) => all.filter((_, at) => at !== i))}
                >
                  <Icon name="close" />
                </button>
              </span>
            ))}
          </div>
        )}
        <div class="composer-row">
          {sees && (
            <>
              <input
                ref={file}
                type="file"
                class="hidden"
                tabIndex={-1}
                aria-label="Picture files"
                accept={kAccept}
                multiple
                onChange={(e) => {
                  void add(e.currentTarget.files ?? []);
                  e.currentTarget.value = '';
                }}
              />
              <button type="button" class="quiet" aria-label="Add pictures" title="Add pictures" onClick={() => file.current?.click()}>
                <Icon name="picture" />
              </button>
            </>
          )}
          <textarea
            ref={box}
            rows={1}
            aria-label="Message"
            placeholder={over ? 'Drop the picture' : sees ? 'Ask, or paste a picture' : 'Ask anything'}
            value={text}
            onInput={(e) => setText(e.currentTarget.value)}
            onKeyDown={onKeyDown}
            onPaste={(e) => void add(e.clipboardData?.files ?? [])}
          />
          {busy ? (
            <button type="button" class="primary round" aria-label="Stop" title="Stop (Esc)" onClick={stop}>
              <Icon name="stop" />
            </button>
          ) : (
            <button type="submit" class="primary round" aria-label="Send" title="Send (Enter)" disabled={!ready}>
              <Icon name="send" />
            </button>
          )}
        </div>
      </div>
    </form>
  );
}
