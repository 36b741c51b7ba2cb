/** Where a message is. */
export interface Place {
  /** In the stream. */
  readonly sequence: number
  /** Among those that its consumer was sent. */
  readonly delivered: number
  /** How many of the messages that are there the consumer will get after it. */
  readonly pending: number
}

/** What every message of a consumer has: the subject of its acknowledgement, in which the server says where it is. */
export interface Placed {
  readonly reply?: string
}

const dot = 46
const zero = 48
const nine = 57
/** The parts of the subject that is read now, as numbers. */
const parts = new Float64Array(16)

/**
 * Returns the place of a message: `$JS.ACK.STREAM.CONSUMER.COUNT.SEQUENCE.DELIVERED.TIME.PENDING`. A server that names a domain and
 * an account before the stream may add parts at the end. Throws for anything else.
 */
export function placeOf({ reply = '' }: Placed): Place {
  const count = readParts(reply)
  const at = count === 9 ? 5 : 7
  const [sequence, delivered, pending] = [parts[at]!, parts[at + 1]!, parts[at + 3]!]
  const isPlace = reply.startsWith('$JS.ACK.') && (count === 9 || count >= 11)
  if (isPlace && sequence >= 0 && delivered >= 0 && pending >= 0) return { sequence, delivered, pending }
  throw new Error(`${JSON.stringify(reply)} is not how a stream asks for an acknowledgement`)
}

/** Returns the name of the stream of a message, and when the server has stored it, in milliseconds since 1970. */
export function originOf({ reply = '' }: Placed): { readonly stream: string; readonly timestamp: number } {
  const words = reply.split('.')
  const at = words.length === 9 ? 2 : 4
  // Nanoseconds are more than a number can hold exactly.
  return { stream: words[at]!, timestamp: Number(words[at + 5]!.slice(0, -6)) }
}

/** Returns how many there are. One that is no number is NaN. */
function readParts(text: string): number {
  let count = 0
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === dot) {
      parts[count++] = value
      value = 0
    } else {
      value = code < zero || code > nine ? Number.NaN : value * 10 + code - zero
    }
  }
  parts[count] = value
  return count + 1
}
