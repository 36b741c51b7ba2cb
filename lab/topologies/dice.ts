import type { Random } from '@millrace/world'

/** Draws what topologies are made of. */
export class Dice {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** One of them, each as likely as the others. */
  oneOf<const T>(choices: readonly T[]): T {
    return choices[this.#random.int(choices.length)]!
  }

  /** From `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.#random.int(most - least + 1)
  }

  /** True once in so many times. */
  onceIn(times: number): boolean {
    return this.#random.int(times) === 0
  }
}
