import { MillraceError } from './errors.ts'
import { nearest } from './nearest.ts'

/**
 * Throws `OPTION_INVALID` if `options` is not an object or has an option that is not `known`: for programs that run
 * without type checks, where a misspelt option would change nothing.
 *
 * @example
 * requireKnown("mapAsync 'ask'", { retires: {} }, ['retry']) // throws: mapAsync 'ask' has no option retires; …
 */
export function requireKnown(what: string, options: unknown, known: readonly string[]): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) {
    throw new MillraceError(
      'OPTION_INVALID',
      `${what} is given ${JSON.stringify(options)}; give an object with options`,
    )
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const meant = nearest(name, known)
    const help = meant === undefined ? `it has ${known.join(', ')}` : `did you mean ${meant}?`
    throw new MillraceError('OPTION_INVALID', `${what} has no option ${name}; ${help}`)
  }
}
