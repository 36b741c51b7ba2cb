/**
 * The identity of a timer in its domain as text: time, name and key. Stored in checkpoints.
 *
 *     <time>;<length of name>;<name><kind of key><key>
 *
 * It is built for every timer that is set, so it costs one concatenation; `keyToken` would sort and measure without
 * need.
 */
import { MillraceError } from '../errors/errors.ts'
import type { KeyToken } from '../record/key-token.ts'

/** The text for a timer. */
export function timerToken(time: number, name: string, key: KeyToken): string {
  if (typeof key === 'string') return `${time};${name.length};${name}s${key}`
  if (typeof key === 'number') return `${time};${name.length};${name}d${key}`
  if (typeof key === 'bigint') return `${time};${name.length};${name}i${key}`
  return `${time};${name.length};${name}${key === null ? 'n' : key ? 't' : 'f'}`
}

/** The timer that `token` was made for. Throws `CODEC_FAILED` for text that `timerToken` did not make. */
export function parseTimerToken(token: KeyToken): {
  readonly time: number
  readonly name: string
  readonly key: KeyToken
} {
  const [head, timeText, length] = /^([^;]+);(\d+);/.exec(String(token)) ?? []
  if (head === undefined || timeText === undefined) throw damaged(token)
  const text = String(token)
  const nameEnd = head.length + Number(length)
  const key = parseKey(text[nameEnd], text.slice(nameEnd + 1))
  const time = Number(timeText)
  if (key === undefined || Number.isNaN(time)) throw damaged(token)
  return { time, name: text.slice(head.length, nameEnd), key }
}

function parseKey(kind: string | undefined, text: string): KeyToken | undefined {
  switch (kind) {
    case 's':
      return text
    case 'd':
      return Number(text)
    case 'i':
      return /^-?\d+$/.test(text) ? BigInt(text) : undefined
    case 'n':
      return null
    case 't':
      return true
    case 'f':
      return false
    default:
      return undefined
  }
}

function damaged(token: KeyToken): MillraceError {
  return new MillraceError(
    'CODEC_FAILED',
    `a stored timer reads ${JSON.stringify(String(token))}, which is no timer`,
  )
}
