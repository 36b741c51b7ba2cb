/**
 * The form of every conformance kit: a function from a factory to a list of named cases.
 *
 * A kit depends on no test runner. Cases that do not apply stay in the list with a reason, which the runner prints, so
 * that no check is skipped silently.
 */

/** One requirement of a contract, and its test. */
export interface ConformanceCase {
  /** A sentence that describes the behaviour, unique within its kit. */
  readonly name: string
  /** Why the case does not apply; undefined if it applies. */
  readonly skipped: string | undefined
  /** Rejects with a `ContractViolation`, or with the error of the implementation, if the requirement is not met. */
  readonly run: () => Promise<void>
}

/** Cases to skip, by name, each with a reason. An unknown name is an error. */
export type Skips = Readonly<Record<string, string>>

/** An implementation violates its contract. */
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

  /** Returns all cases. Throws if a case to skip does not exist. */
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

/** A failed case and its error. */
export interface CaseFailure {
  readonly name: string
  readonly error: unknown
}

/**
 * Runs the cases in order up to the first failure, and returns it. For programs without a test runner, and for tests of
 * a kit with a broken implementation.
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
