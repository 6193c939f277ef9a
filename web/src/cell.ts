// A value that components watch: the page's state is a handful of these.
import { useEffect, useState } from 'preact/hooks';

export class Cell<T> {
  private watchers = new Set<(value: T) => void>();

  constructor(private value: T) {}

  get = (): T => this.value;

  set = (value: T): void => {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const watcher of [...this.watchers]) watcher(value);
  };

  update = (change: (value: T) => T): void => this.set(change(this.value));

  watch(watcher: (value: T) => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }
}

export function useCell<T>(cell: Cell<T>): T {
  const [, redraw] = useState({});
  useEffect(() => cell.watch(() => redraw({})), [cell]);
  return cell.get();
}

// A cell whose value outlives the page.
export function remembered<T>(name: string, fallback: T): Cell<T> {
  let value = fallback;
  try {
    const stored = localStorage.getItem(name);
    if (stored !== null) value = JSON.parse(stored) as T;
  } catch {
    // Private windows may refuse storage; the page works without.
  }
  const cell = new Cell<T>(value);
  cell.watch((now) => {
    try {
      localStorage.setItem(name, JSON.stringify(now));
    } catch {
      // As above.
    }
  });
  return cell;
}
