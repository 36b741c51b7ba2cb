import type { TopologyBug } from './planted-bug.ts'

/**
 * Bugs that affect runs with and without crashes alike: only an oracle independent of the engine detects
 * them.
 */
export const oracleBugs: readonly Pick<TopologyBug, 'name' | 'plant'>[] = [
  {
    name: 'a record at the start of a window counts in the previous one',
    plant: {
      file: 'flow/src/window/sliding.ts',
      from: 'floorMod(whole - offset, period)',
      to: '(floorMod(whole - offset - 1, period) + 1)',
    },
  },
  {
    name: 'a window that ends at the watermark accepts a record',
    plant: {
      file: 'flow/src/window/slice-window-operator.ts',
      from: 'if (watermark >= this.#closesAt)',
      to: 'if (watermark > this.#closesAt)',
    },
  },
  {
    name: 'reduce passes the two values in the wrong order',
    plant: {
      file: 'flow/src/operators/reduce.ts',
      from: 'this.#combine(before.value, record.value)',
      to: 'this.#combine(record.value, before.value)',
    },
  },
]
