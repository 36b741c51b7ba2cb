import { MillraceError, isMillraceError } from './errors.ts'

/**
 * An error as data, for another thread. A structured clone keeps little of an error but its message.
 */
export interface CarriedError {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  /** For an error of Millrace. */
  readonly details: Pick<MillraceError, 'code' | 'place' | 'isTransient' | 'isFinal'> | undefined
  readonly cause: CarriedError | undefined
}

/** Deeper causes are cut off: the chain may be circular. */
const causesMax = 8

/** Converts a thrown value to data. */
export function carryError(thrown: unknown, causes: number = causesMax): CarriedError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const { name, message, stack, cause } = error
  const details = isMillraceError(error)
    ? { code: error.code, place: error.place, isTransient: error.isTransient, isFinal: error.isFinal }
    : undefined
  const carried = cause !== undefined && causes > 0 ? carryError(cause, causes - 1) : undefined
  return { name, message, stack, details, cause: carried }
}

/** Makes the error again: with its code, place, stack and cause. */
export function errorOf({ name, message, stack, details, cause }: CarriedError): Error {
  const reason = cause === undefined ? {} : { cause: errorOf(cause) }
  const error =
    details === undefined
      ? new Error(message, reason)
      : new MillraceError(details.code, message, {
          ...reason,
          ...(details.place === undefined ? {} : { place: details.place }),
          isTransient: details.isTransient,
          isFinal: details.isFinal,
        })
  error.name = name
  if (stack !== undefined) error.stack = stack
  return error
}
