const shapesMax = 8
const creditMax = 256
const creditAtStart = 64
const creditOfShape = 16
const pauseMax = 65_536

/**
 * The shapes that a reader or writer has learned and compiled, the last used one first.
 *
 * Shapes earn credit by use, and spend it when they are tried in vain and when one is compiled. Without credit all are
 * dropped and nothing is learned for a while, so that records which never look alike cost little more than without shapes.
 */
export class LearnedShapes<S> {
  readonly list: S[] = []
  #credit = creditAtStart
  /** For how many records nothing is learned. */
  #pause = 0
  #nextPause = creditMax

  /** Notes that the shape at `index` was the right one. */
  used(index: number): void {
    if (this.#credit < creditMax) this.#credit++
    if (index === 0) return
    const [shape] = this.list.splice(index, 1)
    this.list.unshift(shape!)
    this.#spend(index)
  }

  /** Whether to learn from a record for which no shape was right. */
  mayLearn(): boolean {
    if (this.#pause === 0) return true
    this.#pause--
    return false
  }

  /**
   * Learns from a record: adds the shape that `compile` returns. Without `compile` its shape is known and something else
   * in it was unusual, or it has none.
   */
  learn(compile: (() => S) | undefined): void {
    this.#spend(compile === undefined ? 1 : creditOfShape)
    if (compile === undefined || this.#pause > 0) return
    try {
      this.list.unshift(compile())
    } catch (error) {
      // Where code cannot be compiled there are no shapes.
      if (!(error instanceof EvalError)) throw error
    }
    if (this.list.length > shapesMax) this.list.pop()
  }

  #spend(credit: number): void {
    this.#credit -= credit
    if (this.#credit >= 0) return
    this.list.length = 0
    this.#credit = creditAtStart
    this.#pause = this.#nextPause
    this.#nextPause = Math.min(pauseMax, this.#nextPause * 2)
  }
}
