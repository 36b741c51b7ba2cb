import type { Sink } from '@millrace/core/connector'
import type { Row } from './rows.ts'

/** The lines between two checkpoints of one lease, by the name under which they wait to be signed. */
type Page = { readonly page: string }

/**
 * A system outside of Kafka that results go to in two phases: a page waits until it is signed, and its lines count from then on. It does
 * not ask who signs. It knows only that pages of earlier epochs which are not to be signed may be thrown away.
 */
export class Ledger {
  readonly #waiting = new Map<
    string,
    { readonly book: string; readonly epoch: number; lines: readonly Row[] }
  >()
  readonly #lines: Row[] = []

  /** The lines that count, in their order. */
  get lines(): readonly Row[] {
    return this.#lines
  }

  lay(page: string, book: string, epoch: number, lines: readonly Row[]): void {
    this.#waiting.set(page, { book, epoch, lines })
  }

  /** Does nothing for a page that was signed before. */
  sign(page: string): void {
    this.#lines.push(...(this.#waiting.get(page)?.lines ?? []))
    this.#waiting.delete(page)
  }

  /** Throws away the pages of a book up to an epoch. */
  clear(book: string, epoch: number): void {
    for (const [page, about] of this.#waiting) {
      if (about.book === book && about.epoch <= epoch) this.#waiting.delete(page)
    }
  }
}

/** Carries out what a process asks of a ledger. Rejects never; it does not resolve in a process that is dead. */
export type CallLedger = (action: (ledger: Ledger) => void) => Promise<void>

/** A sink that writes a page for each checkpoint, as sinks for other systems do. */
export function ledgerSink(call: CallLedger): Sink<Row, Page> {
  return {
    kind: 'ledger',
    guarantee: 'exactly-once',
    async open(_subtask, pending, { owner, name, random }) {
      const book = `${owner.job} ${name}`
      const opening = `${book} ${owner.epoch} ${random.int(2 ** 48)}`
      for (const { page } of pending) await call((ledger) => ledger.sign(page))
      await call((ledger) => ledger.clear(book, owner.epoch))
      let lines: Row[] = []
      let pages = 0
      return {
        write(batch) {
          lines.push(...batch.values.slice(0, batch.length))
        },
        async prepare() {
          if (lines.length === 0) return undefined
          const page = `${opening} ${++pages}`
          const written = lines
          lines = []
          await call((ledger) => ledger.lay(page, book, owner.epoch, written))
          return { page }
        },
        commit: ({ page }) => call((ledger) => ledger.sign(page)),
        close: () => Promise.resolve(),
      }
    },
  }
}
