/**
 * What every call on a simulated file system rejects with once it has crashed.
 *
 * Not a `MillraceError`: the process that would see it is dead. Code under test must never turn it into
 * anything else, least of all into success.
 */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash'
  /** The number of the mutating operation during which the crash came. */
  readonly operation: number

  constructor(operation: number) {
    super(
      `simulated crash at file system operation ${operation}: nothing in this life of the process runs on`,
    )
    this.operation = operation
  }
}
