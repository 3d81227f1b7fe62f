import { useEffect, useState } from 'react';

const TICK_MS = 15_000;

/** The time, anew now and then, for whatever shows an age. Epoch milliseconds. */
export function useNow(): number {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}
