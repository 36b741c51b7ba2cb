import { getActiveResourcesInfo } from 'node:process'

/** Work of the process outside of a simulation: real timers, files, sockets. */
export class OutsideWork {
  readonly #before = counts()

  /** Returns work that began after this object was created, such as "Timeout", once for each item. */
  begun(): readonly string[] {
    return [...counts()].flatMap(([kind, count]) =>
      Array.from({ length: Math.max(0, count - (this.#before.get(kind) ?? 0)) }, () => kind),
    )
  }
}

function counts(): Map<string, number> {
  const found = new Map<string, number>()
  // An Immediate is a turn of the event loop: every simulation takes many.
  for (const kind of getActiveResourcesInfo()) {
    if (kind !== 'Immediate') found.set(kind, (found.get(kind) ?? 0) + 1)
  }
  return found
}
