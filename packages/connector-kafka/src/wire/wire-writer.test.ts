import { expect, test } from 'vitest'
import { WireWriter } from './wire-writer.ts'

test.each(['int8', 'int16', 'int32', 'int64', 'text', 'bytes'] as const)(
  'a request becomes as large as it has to, also where it grows at %s',
  (what) => {
    const write = (out: WireWriter): void => {
      if (what === 'text') out.text('abc')
      else if (what === 'bytes') out.bytes(new Uint8Array([1, 2, 3]))
      else out[what](7)
    }
    const [small, large] = [new WireWriter(1), new WireWriter(100_000)]
    for (let i = 0; i < 1_000; i++) {
      write(small)
      write(large)
    }
    expect(small.finish()).toEqual(large.finish())
  },
)
