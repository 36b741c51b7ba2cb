import { MillraceError } from '@millrace/core'

/**
 * Returns text if UTF-8 can represent it. An unpaired surrogate would be written as a replacement character.
 */
export function requireWellFormed(text: string): string {
  if (!/\p{Surrogate}/u.test(text)) return text
  throw new MillraceError(
    'SINK_FAILED',
    'it holds an unpaired surrogate, which UTF-8 cannot hold; fix the text',
  )
}
