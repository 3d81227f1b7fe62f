import { readFile } from 'node:fs/promises';
import type { Clock } from '../foundation/clock.ts';

export interface WatchedFileOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly intervalMs: number;
  /** Called with each new text, and with undefined when the file cannot be read. Not called for the text at start. */
  readonly onChange: (text: string | undefined) => void;
  /** The text that is already known. */
  readonly initialText: string | undefined;
}

/**
 * Looks at a file's content at an interval. Content, not events: a mounted ConfigMap is swapped by renaming a symbolic
 * link above it, and an editor replaces the file itself (AC-03). @returns ends the watch
 */
export function watchFileText({
  path,
  clock,
  intervalMs,
  onChange,
  initialText,
}: WatchedFileOptions): () => void {
  let known = initialText;
  let ended = false;
  let cancel: () => void;
  const look = async (): Promise<void> => {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (ended) return;
    if (text !== known) {
      known = text;
      onChange(text);
    }
    cancel = clock.after(intervalMs, () => void look());
  };
  cancel = clock.after(intervalMs, () => void look());
  return () => {
    ended = true;
    cancel();
  };
}
