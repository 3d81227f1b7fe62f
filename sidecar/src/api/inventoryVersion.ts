import { createCipheriv, createDecipheriv } from 'node:crypto';

/** What somebody knows of the inventory. */
export interface InventoryVersion {
  /** The number of the last change that they were told of. */
  readonly sequence: number;
  /** Which clusters they were shown, as a number of 48 bits. */
  readonly sight: number;
}

/**
 * Versions as text, for those who come back. Enciphered: its numbers would tell how much there is that somebody may not
 * see (ID-15). The same version is the same text.
 */
export interface VersionTexts {
  format(version: InventoryVersion): string;
  /** What another process wrote reads as chance has it: as the sight of nobody. @returns undefined for anything else */
  parse(text: string): InventoryVersion | undefined;
}

const algorithm = 'aes-128-ecb';

/** @param key 16 random bytes, for each process others */
export function createVersionTexts(key: Uint8Array): VersionTexts {
  // Made once: each block is enciphered by itself, and to make one takes ten times as long as to use it.
  const cipher = createCipheriv(algorithm, key, null).setAutoPadding(false);
  const decipher = createDecipheriv(algorithm, key, null).setAutoPadding(false);
  return {
    format({ sequence, sight }) {
      const block = Buffer.alloc(16);
      block.writeUIntBE(sequence, 0, 6);
      block.writeUIntBE(sight, 6, 6);
      return cipher.update(block).toString('base64url');
    },
    parse(text) {
      const bytes = Buffer.from(text, 'base64url');
      if (bytes.length !== 16) return undefined;
      const block = decipher.update(bytes);
      return { sequence: block.readUIntBE(0, 6), sight: block.readUIntBE(6, 6) };
    },
  };
}
