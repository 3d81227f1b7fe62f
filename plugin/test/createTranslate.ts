import { createInstance, type TFunction } from 'i18next';
import de from '../locales/de/translation.json' with { type: 'json' };
import en from '../locales/en/translation.json' with { type: 'json' };
import manifest from '../package.json' with { type: 'json' };

/** As Headlamp makes one for a plugin: `.` and `:` in a key keep their meaning there. */
export async function createTranslate(language: string): Promise<TFunction> {
  return createInstance().init({
    lng: language,
    fallbackLng: 'en',
    defaultNS: manifest.name,
    ns: [manifest.name],
    resources: { en: { [manifest.name]: en }, de: { [manifest.name]: de } },
    interpolation: { escapeValue: false },
    returnEmptyString: false,
  });
}
