import { MillraceError } from './errors.ts'

/** Stops the task when an invariant of Millrace itself does not hold. Not for input: input gets a real error. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition)
    throw new MillraceError('INTERNAL', `invariant does not hold: ${invariant}; please report this`)
}

/** The end of a switch that handles every member of a union; a new member fails to compile here. */
export function unreachable(value: never): never {
  throw new MillraceError('INTERNAL', `unexpected ${JSON.stringify(value)}; please report this`)
}
