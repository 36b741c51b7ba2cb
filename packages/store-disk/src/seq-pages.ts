const pageLength = 4096

/** A number for each entry of an index, while it is loaded. */
export class SeqPages {
  readonly #pages: Float64Array[] = []

  get(entry: number): number {
    return this.#pages[entry >>> 12]![entry & 4095]!
  }

  set(entry: number, value: number): void {
    while (this.#pages.length <= entry >>> 12) this.#pages.push(new Float64Array(pageLength))
    this.#pages[entry >>> 12]![entry & 4095] = value
  }
}
