import type { TestedBug } from './planted-bug.ts'

/** Bugs in the readers and writers of JSON that are compiled for the shape of records. */
export const jsonBugs: readonly TestedBug[] = [
  {
    name: 'a compiled writer of JSON does not look at the order of names',
    plant: {
      file: 'core/src/codec/json-writer.ts',
      from: 'if (name !== ${JSON.stringify(name)}) return false; break',
      to: 'if (!(${JSON.stringify(name)} in ${variable})) return false; break',
    },
    files: ['packages/core/test/json-writer.test.ts'],
    shows: /another order/,
  },
  {
    name: 'a compiled writer of JSON writes quotes in long strings as they are',
    plant: {
      file: 'core/src/codec/json-value-writer.ts',
      from: 'length > loopMax ? plainText.test(value)',
      to: 'length > loopMax ? true',
    },
    files: ['packages/core/test/json-writer.test.ts'],
    shows: /every kind of value/,
  },
  {
    name: 'a compiled reader of JSON takes a string to its first quote, escaped or not',
    plant: {
      file: 'core/src/codec/json-shape.ts',
      from: "'(x | (x - 0x20202020) | ((x ^ 0x22222222) - 0x01010101) | ((x ^ 0x5c5c5c5c) - 0x01010101)) & 0x80808080'",
      to: "'(x | (x - 0x20202020) | ((x ^ 0x22222222) - 0x01010101)) & 0x80808080'",
    },
    files: ['packages/core/test/json-reader.test.ts'],
    shows: /./,
  },
  {
    name: 'a compiled reader of JSON accepts bytes that are not UTF-8',
    plant: {
      file: 'core/src/codec/json-value-reader.ts',
      from: "return text.includes('\\uFFFD') ? undefined : text",
      to: 'return text',
    },
    files: ['packages/core/test/json-reader.test.ts'],
    shows: /no UTF-8/,
  },
  {
    name: 'a compiled reader of JSON rounds long integers',
    plant: {
      file: 'core/src/codec/json-value-reader.ts',
      from: 'if (!Number.isSafeInteger(value) && !/[.eE]/.test(text)) return undefined',
      to: '',
    },
    files: ['packages/core/test/json-reader.test.ts'],
    shows: /rounded/,
  },
]
