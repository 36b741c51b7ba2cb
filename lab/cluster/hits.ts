import type { Happening } from './scenario.ts'

/** What hits a worker when it reaches a point of its work. */
export type Hit = Extract<Happening, { readonly kind: 'hit' }>

/** The hits that wait for a worker to reach a point. */
export class Hits {
  readonly #waiting: { readonly process: string; readonly hit: Hit; left: number }[] = []

  await(process: string, hit: Hit): void {
    this.#waiting.push({ process, hit, left: hit.after })
  }

  /** A process has reached a point. Returns what hits it there. */
  at(process: string, point: string): Hit | undefined {
    for (const [index, each] of this.#waiting.entries()) {
      if (each.process !== process || each.hit.point !== point || each.left-- > 0) continue
      this.#waiting.splice(index, 1)
      return each.hit
    }
    return undefined
  }
}
