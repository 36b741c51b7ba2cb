/**
 * Blocks inputs that are ahead until every input has delivered the barrier.
 *
 * Invariants between any two calls:
 *
 *  1. An input is blocked exactly when it has delivered the barrier of the current checkpoint.
 *  2. No input is blocked while there is no current checkpoint.
 *  3. Checkpoint numbers only increase: a barrier of an older one, or of an aborted one, is ignored.
 *
 * The algorithm is Flink's aligned checkpointing, after Chandy and Lamport. Records that arrive on a blocked
 * input stay on its edge, whose credit runs out: nothing is buffered here.
 */
export class BarrierAligner {
  readonly #hasBarrier: boolean[]
  readonly #isEnded: boolean[]
  /** The current checkpoint, or 0. */
  #current = 0
  /** The newest checkpoint that was completed, aborted or begun. */
  #newest = 0
  #arrived = 0

  constructor(inputs: number) {
    this.#hasBarrier = Array.from({ length: inputs }, () => false)
    this.#isEnded = Array.from({ length: inputs }, () => false)
  }

  /** Whether records of `input` belong after the current checkpoint. */
  isBlocked(input: number): boolean {
    return this.#hasBarrier[input]!
  }

  /** The checkpoint that some inputs have reached and others have not; undefined if there is none. */
  get pending(): number | undefined {
    return this.#current === 0 ? undefined : this.#current
  }

  /** Handles a barrier from `input`. */
  barrier(input: number, checkpoint: number): Alignment {
    if (checkpoint !== this.#current && checkpoint <= this.#newest)
      return { kind: 'waiting', abandoned: undefined }
    const abandoned = this.#current !== 0 && checkpoint > this.#current ? this.#current : undefined
    if (abandoned !== undefined) this.#release()
    this.#current = checkpoint
    this.#newest = checkpoint
    if (!this.#hasBarrier[input]) {
      this.#hasBarrier[input] = true
      if (!this.#isEnded[input]) this.#arrived++
    }
    return this.#check(abandoned)
  }

  /** The checkpoint was aborted elsewhere: its blocked inputs continue. */
  cancel(checkpoint: number): void {
    if (checkpoint === this.#current) this.#release()
    this.#newest = Math.max(this.#newest, checkpoint)
  }

  /** No barrier will come from `input` any more; it counts as having delivered every one. */
  end(input: number): Alignment {
    if (this.#isEnded[input]) return { kind: 'waiting', abandoned: undefined }
    if (this.#hasBarrier[input]) this.#arrived--
    this.#isEnded[input] = true
    return this.#current === 0 ? { kind: 'waiting', abandoned: undefined } : this.#check(undefined)
  }

  #check(abandoned: number | undefined): Alignment {
    const live = this.#isEnded.reduce((count, isEnded) => (isEnded ? count : count + 1), 0)
    if (this.#arrived < live) return { kind: 'waiting', abandoned }
    const checkpoint = this.#current
    this.#release()
    return { kind: 'aligned', checkpoint, abandoned }
  }

  #release(): void {
    this.#hasBarrier.fill(false)
    this.#arrived = 0
    this.#current = 0
  }
}

export type Alignment =
  /** Every input has delivered the barrier: the snapshot is due now. All inputs are free again. */
  | { readonly kind: 'aligned'; readonly checkpoint: number; readonly abandoned: number | undefined }
  /**
   * Other inputs have not delivered it yet. `abandoned` is an older checkpoint that this barrier replaced.
   */
  | { readonly kind: 'waiting'; readonly abandoned: number | undefined }
