import type { TopologyBug } from './planted-bug.ts'

/** Mistakes that runs with and without crashes share: only an oracle that needs no engine can see them. */
export const oracleBugs: readonly Pick<TopologyBug, 'name' | 'plant'>[] = [
  {
    name: 'a record at the very start of a window counts for the one before',
    plant: {
      file: 'flow/src/window/sliding.ts',
      from: 'floorMod(whole - offset, period)',
      to: '(floorMod(whole - offset - 1, period) + 1)',
    },
  },
  {
    name: 'a record is taken by a window that ends at the watermark',
    plant: {
      file: 'flow/src/window/slice-window-operator.ts',
      from: 'if (watermark >= this.#closesAt)',
      to: 'if (watermark > this.#closesAt)',
    },
  },
  {
    name: 'reduce hands the two values over in the wrong order',
    plant: {
      file: 'flow/src/operators/reduce.ts',
      from: 'this.#combine(before.value, record.value)',
      to: 'this.#combine(record.value, before.value)',
    },
  },
]
