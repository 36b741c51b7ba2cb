import type { SimulatorBug } from './planted-bug.ts'

/** Bugs that keep results right but block the event loop for long. */
export const sliceBugs: readonly SimulatorBug[] = [
  {
    name: 'a restart reads all cells in one turn',
    plant: {
      file: 'store-memory/src/open-memory-store.ts',
      from: 'for (const _ of work) if (this.#budget.spend()) await this.#budget.turn()',
      to: 'for (const _ of work) this.#budget.spend()',
    },
    shows: /a cell was restored, more than/,
    seed: 0,
  },
  {
    name: 'a checkpoint saves all cells of an operator in one turn',
    plant: {
      file: 'store-memory/src/memory-table.ts',
      from: 'if (units > 0 && slicing.spend(units)) return false',
      to: 'if (units > 0) slicing.spend(units)',
    },
    shows: /a cell of .* was saved, more than/,
    seed: 0,
  },
  {
    name: 'all event timers that are due fire in one turn',
    plant: {
      file: 'core/src/operator/chain.ts',
      from: "      if (!link.fire('event', upTo, upTo)) break\n      if (this.#budget.spend()) return false\n",
      to: "      if (!link.fire('event', upTo, upTo)) break\n      this.#budget.spend()\n",
    },
    shows: /a timer or an end of .* fired, more than/,
    seed: 0,
  },
]
