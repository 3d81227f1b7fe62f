/** The event stream of one tab. */
export interface FollowedEvents {
  /** Resolves with the first message from now on that has this text in it. */
  waitFor(text: string): Promise<void>;
  close(): void;
}

/** Nothing is parsed: whoever measures takes time from what is measured. */
export async function followEvents(url: string): Promise<FollowedEvents> {
  const leave = new AbortController();
  const response = await fetch(`${url}/cluster-inventory/v1/events`, { signal: leave.signal });
  if (response.status !== 200 || response.body === null)
    throw new Error(`the event stream answers ${response.status}`);
  const waiting = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  const read = async (body: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    let held = '';
    for await (const chunk of body) {
      held += decoder.decode(chunk, { stream: true });
      for (const [text, { resolve }] of waiting) {
        if (!held.includes(text)) continue;
        waiting.delete(text);
        resolve();
      }
      held = held.slice(held.lastIndexOf('\n\n') + 1);
    }
  };
  read(response.body)
    .catch(() => undefined)
    .finally(() => {
      for (const { reject } of waiting.values()) reject(new Error('the event stream ended'));
    });
  return {
    waitFor: (text) =>
      new Promise((resolve, reject) => {
        waiting.set(text, { resolve, reject });
      }),
    close: () => leave.abort(),
  };
}
