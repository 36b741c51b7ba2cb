/** The newest ids of a queue, so that a message that comes again is recognised. */
export class KnownIds {
  readonly #max: number
  /** From the oldest to the newest. */
  readonly #ids: Set<string>
  #list: readonly string[] | undefined

  constructor(max: number, ids: readonly string[]) {
    this.#max = max
    this.#ids = new Set(ids.slice(-max))
  }

  /** Returns whether an id is known, and makes it the newest. */
  note(id: string): boolean {
    this.#list = undefined
    const isKnown = this.#ids.delete(id)
    this.#ids.add(id)
    if (this.#ids.size > this.#max) this.#ids.delete(this.#ids.values().next().value!)
    return isKnown
  }

  /** All of them. The list never changes. */
  list(): readonly string[] {
    this.#list ??= [...this.#ids]
    return this.#list
  }
}
