import { useTranslation } from '@kinvolk/headlamp-plugin/lib';
import { useMemo } from 'react';

export type TextValues = Readonly<Record<string, string | number>>;

export interface Text {
  /** The translation of an English sentence. */
  readonly t: (sentence: string, values?: TextValues) => string;
  readonly language: string;
  /** Until then every text is empty: nothing that keeps its first text may be drawn. */
  readonly isReady: boolean;
}

/** Headlamp's translations for this plugin; changes only when the language does, so it may be a dependency. */
export function useText(): Text {
  const { t, i18n, ready } = useTranslation();
  const language = i18n?.language ?? '';

  return useMemo(
    () => ({ t: (sentence, values = {}) => t(sentence, values), language, isReady: ready }),
    // Not `t`, which is another function at every rendering.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [language, ready],
  );
}
