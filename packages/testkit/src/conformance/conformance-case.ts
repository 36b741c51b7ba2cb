/**
 * The shape of every conformance kit: a function from "how to make one" to a list of named cases.
 *
 * A kit knows no test runner. Cases that do not apply stay in the list with the reason, so that a runner
 * prints it: what is left out silently is worse than no kit.
 */

/** One promise of a contract, and how to find out whether it is kept. */
export interface ConformanceCase {
  /** A sentence about behaviour, unique within its kit. */
  readonly name: string
  /** Why the case does not apply. Undefined: it applies. */
  readonly skipped: string | undefined
  /** Rejects with a `ContractViolation`, or whatever the implementation threw, if the promise is broken. */
  readonly run: () => Promise<void>
}

/** Cases to leave out, by name, each with the reason. A name that no case has is an error. */
export type Skips = Readonly<Record<string, string>>

/** An implementation does not keep its contract. */
export class ContractViolation extends Error {
  override readonly name = 'ContractViolation'
}

/** Collects the cases of one kit. For authors of kits. */
export class CaseList {
  readonly #cases: ConformanceCase[] = []
  readonly #skips: Map<string, string>

  constructor(skips: Skips = {}) {
    this.#skips = new Map(Object.entries(skips))
  }

  add(name: string, run: () => Promise<void>): void {
    this.#cases.push({ name, skipped: this.#skips.get(name), run })
    this.#skips.delete(name)
  }

  /** Adds a case that applies only if `condition` holds; otherwise `reason` is printed. */
  addIf(condition: boolean, reason: string, name: string, run: () => Promise<void>): void {
    if (condition) this.add(name, run)
    else this.#cases.push({ name, skipped: reason, run })
  }

  /** The cases, once all are added. Throws if something was to be skipped that does not exist. */
  done(): readonly ConformanceCase[] {
    const unknown = [...this.#skips.keys()]
    if (unknown.length === 0) return this.#cases
    throw new Error(`no such case to skip: ${unknown.join('; ')}; take the name from the kit's list`)
  }
}

/** What `describeCases` needs of a test runner; Vitest's, Jest's and `node:test`'s functions fit. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown
  readonly test: {
    (name: string, run: () => Promise<void>): unknown
    readonly skip: (name: string, run: () => Promise<void>) => unknown
  }
}

/**
 * Registers the cases of a kit as tests. A skipped one shows its reason in its name.
 *
 * @example
 * import { describe, test } from 'vitest'
 * describeCases('nodeFs', fsConformance({ create }), { describe, test })
 */
export function describeCases(
  suite: string,
  cases: readonly ConformanceCase[],
  { describe, test }: TestRunner,
): void {
  describe(suite, () => {
    for (const { name, skipped, run } of cases) {
      if (skipped === undefined) test(name, run)
      else test.skip(`${name} (skipped: ${skipped})`, run)
    }
  })
}

/** A case that failed, and what it threw. */
export interface CaseFailure {
  readonly name: string
  readonly error: unknown
}

/**
 * Runs the cases one after another up to the first that fails, and returns that: for programs that are no
 * test suite, and for tests of a kit, which hand it a broken implementation.
 */
export async function firstFailure(cases: readonly ConformanceCase[]): Promise<CaseFailure | undefined> {
  for (const { name, skipped, run } of cases) {
    if (skipped !== undefined) continue
    try {
      await run()
    } catch (error) {
      return { name, error }
    }
  }
  return undefined
}
