import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import de from '../locales/de/translation.json' with { type: 'json' };
import en from '../locales/en/translation.json' with { type: 'json' };
import manifest from '../package.json' with { type: 'json' };
import { createTranslate } from '../test/createTranslate.ts';
import { FAILURE_SENTENCES } from './model/listFailure.ts';
import { SOURCE_WORDS } from './model/source.ts';
import { STATE_WORDS } from './model/states.ts';

const SOURCES = import.meta.dirname;
const LOCALES = Object.entries<Readonly<Record<string, string>>>({ en, de });
const PLURAL = /_(one|other)$/;

/** What is translated in a source: the sentences, and the calls of `t` that do not say theirs on the spot. */
function readTranslations(path: string): { sentences: string[]; computed: string[] } {
  const text = readFileSync(path, 'utf8');
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const sentences: string[] = [];
  const computed: string[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 't') {
      const [sentence] = node.arguments;
      if (sentence && ts.isStringLiteral(sentence)) sentences.push(sentence.text);
      else computed.push(sentence?.getText() ?? '');
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { sentences, computed };
}

const translations = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path))
  .map((path) => readTranslations(join(SOURCES, path)));
const sentences = new Set([
  ...translations.flatMap(({ sentences: found }) => found),
  ...STATE_WORDS,
  ...FAILURE_SENTENCES,
  ...SOURCE_WORDS,
]);

function placeholdersOf(text: string): string[] {
  return [...text.matchAll(/{{\w+}}/g)].map(([placeholder]) => placeholder).sort();
}

describe('locales', () => {
  it('finds the sentences of the sources', () => {
    expect(sentences).toContain('{{count}} clusters are listed.');
    expect(sentences.size).toBeGreaterThan(40);
  });

  it('knows where every text comes from that is not said on the spot', () => {
    expect(new Set(translations.flatMap(({ computed }) => computed))).toEqual(
      // From the model, whose sentences are counted in above; `sentence` is what useText hands on.
      new Set(['word', 'sentence', 'title', 'advice', 'describeSource(source)']),
    );
  });

  it('are those that the plugin tells Headlamp of', () => {
    expect(LOCALES.map(([language]) => language)).toEqual(manifest.headlamp.i18n);
    expect(readdirSync(join(SOURCES, '../locales')).sort()).toEqual([...manifest.headlamp.i18n].sort());
  });

  describe.each(LOCALES)('%s', (language, texts) => {
    it('UI-23: has every sentence, and none that nobody says', () => {
      const keys = new Set(Object.keys(texts).map((key) => key.replace(PLURAL, '')));
      expect([...keys].sort()).toEqual([...sentences].sort());
    });

    it('has one and many of what is counted, and nothing else with a plural', () => {
      const counted = [...sentences].filter((sentence) => sentence.includes('{{count}}'));
      const plurals = Object.keys(texts).filter((key) => PLURAL.test(key));
      expect(plurals.sort()).toEqual(counted.flatMap((key) => [`${key}_one`, `${key}_other`]).sort());
    });

    it('keeps the placeholders of every sentence', () => {
      for (const [key, text] of Object.entries(texts))
        expect(placeholdersOf(text)).toEqual(placeholdersOf(key));
    });

    it("is what Headlamp's i18next says", async () => {
      const t = await createTranslate(language);
      const said = Object.keys(texts).map((key) =>
        key.endsWith('_one')
          ? t(key.replace(PLURAL, ''), { count: 1 })
          : t(key.replace(PLURAL, ''), { count: 7 }),
      );
      expect(said).toEqual(
        Object.entries(texts).map(([key, text]) =>
          text.replace('{{count}}', key.endsWith('_one') ? '1' : '7'),
        ),
      );
    });
  });

  it('says English as the sources do', () => {
    for (const [key, text] of Object.entries(en)) if (!PLURAL.test(key)) expect(text).toBe(key);
  });

  it('UI-23: proves it by a second language: every German sentence differs from the English one', () => {
    const same = Object.entries(de).filter(([key, text]) => key.includes(' ') && key === text);
    expect(same.map(([key]) => key)).toEqual(['Cluster Inventory']);
  });

  it('leaves markup and slashes in values as they are', async () => {
    const t = await createTranslate('en');
    expect(t('The inventory of {{root}} is being read.', { root: 'store/<b>$t(Name)' })).toBe(
      'The inventory of store/<b>$t(Name) is being read.',
    );
  });
});
