import { getActiveResourcesInfo } from 'node:process'

/** What the process has under way besides a simulation: real timers, files, sockets. */
export class OutsideWork {
  readonly #before = counts()

  /** What is in progress now and was not when this was made, such as "Timeout"; as often as there is more of it. */
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
