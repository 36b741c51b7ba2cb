import { describeError, MillraceError } from '../kernel/errors.ts'

/**
 * User code threw, and this says where. Made once, by the innermost operator on the stack; operators
 * further up pass it on untouched.
 */
export class OperatorError extends MillraceError {
  readonly operator: string
  /** What the user's code threw. */
  readonly thrown: unknown

  constructor(operator: string, place: string, thrown: unknown) {
    super('OPERATOR_FAILED', `operator '${operator}' failed at ${place}: ${describeError(thrown)}`, {
      cause: thrown,
      place: `${operator} at ${place}`,
    })
    this.operator = operator
    this.thrown = thrown
  }
}
