import { describeCases, stateStoreConformance } from '@millrace/testkit'
import { describe, test } from 'vitest'
import { diskStore } from '../src/index.ts'

// So little memory that nearly every look-up reads a record, and a lot that no cell is ever evicted.
for (const [what, memoryBytes] of [
  ['two cells', 4096],
  ['a few cells', 65_536],
  ['everything', 256 * 1024 * 1024],
] as const) {
  const create = (): ReturnType<typeof diskStore> => diskStore({ segmentBytes: 4096, memoryBytes })
  describeCases(`the disk store with memory for ${what}`, stateStoreConformance({ create }), {
    describe,
    test,
  })
}
