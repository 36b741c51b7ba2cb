import type { Random } from '@millrace/world'

/** Draws the properties of topologies. */
export class Dice {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** Returns one of the choices, each equally likely. */
  oneOf<const T>(choices: readonly T[]): T {
    return choices[this.#random.int(choices.length)]!
  }

  /** From `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.#random.int(most - least + 1)
  }

  /** True with a probability of one in `times`. */
  onceIn(times: number): boolean {
    return this.#random.int(times) === 0
  }
}
