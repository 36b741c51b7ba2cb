/**
 * The error of every call on a simulated file system after its crash.
 *
 * It is not a `MillraceError`, because the process that would receive it is dead. Code under test must not convert it,
 * least of all into success.
 */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash'
  /** The number of the operation at which the crash occurred. */
  readonly operation: number

  constructor(operation: number) {
    super(
      `simulated crash at file system operation ${operation}: nothing in this life of the process runs on`,
    )
    this.operation = operation
  }
}
