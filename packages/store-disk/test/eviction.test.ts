import type { Codec } from '@millrace/core'
import { SimFs } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { diskStore } from '../src/index.ts'

test('values leave memory for as long as there are more than fit, also when they grow', async () => {
  let read = 0
  const codec: Codec<string> = {
    id: 'text',
    version: 1,
    encode: (value, out) => out.text(value),
    decode(input) {
      read++
      return input.text()
    },
  }
  const store = await diskStore({ memoryBytes: 65_536 }).open({
    fs: new SimFs(),
    budget: { spend: () => false, turn: async () => {} },
    directory: '/state',
    from: undefined,
    retained: [],
  })
  const groups = { first: 0, last: 127 }
  const table = store.table({ owner: 'op', subtask: 0, name: 'state', codec, groups })
  await store.load()
  const keys = 3_000
  for (let key = 0; key < keys; key++) {
    table.create(0, key, 0, 'x'.repeat(key % 200))
    if (key % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  for (let key = 0; key < keys; key++) expect(table.find(0, key)?.value).toBe('x'.repeat(key % 200))
  // A cell counts for 260 bytes at least, and cells have an eighth of the memory or what the index leaves.
  expect(read).toBeGreaterThan(keys - 65_536 / 260)
  await store.close()
})
