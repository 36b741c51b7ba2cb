import { MillraceError } from '@millrace/core'

/** For untyped callers: throws `OPTION_INVALID` for a value that is not one of the choices. */
export function requireChoice(what: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return
  throw new MillraceError(
    'OPTION_INVALID',
    `${what} is ${JSON.stringify(value)}; it must be ${choices.map((choice) => `'${choice}'`).join(' or ')}`,
  )
}
