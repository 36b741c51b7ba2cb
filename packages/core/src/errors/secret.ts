import { MillraceError } from './errors.ts'
import { maskLogins } from './mask-logins.ts'

/** What every print of a secret shows. */
const mask = '***'

/** What Node calls to print an object. */
const inspected = Symbol.for('nodejs.util.inspect.custom')

/**
 * Text that must not be printed: a password, a token, a key, an address with a password in it. Made by `secret`.
 *
 * Options of connectors take it in place of text. `String`, template literals, `JSON.stringify` and `console.log` show `***`,
 * and copies for other threads and state are empty. Only `reveal` returns the text.
 */
export class Secret {
  readonly #read: () => string

  /** Makes a secret of a function that returns it, which is called each time it is needed. */
  constructor(read: () => string) {
    this.#read = read
  }

  /** Returns the text. Throws `OPTION_INVALID` if it cannot be read, or is no text. */
  reveal(): string {
    const text: unknown = this.#read()
    if (typeof text === 'string') return text
    throw new MillraceError(
      'OPTION_INVALID',
      `a secret is ${typeof text} instead of text; check where it is from`,
      {
        isFinal: true,
      },
    )
  }

  /** Returns the secret that `change` makes of the text, such as `password.map(encodeURIComponent)`. */
  map(change: (text: string) => string): Secret {
    return new Secret(() => change(this.reveal()))
  }

  toString(): string {
    return mask
  }

  toJSON(): string {
    return mask
  }

  static {
    Object.defineProperty(this.prototype, inspected, { value: () => `Secret(${mask})` })
  }
}

/**
 * Makes a secret of a text; as a tag, of a template with secrets and texts.
 *
 * @example
 * kafka.readJson({ brokers, topic: 'orders', sasl: { username: 'app', password: secret(text) } })
 * http.send({ url, headers: { authorization: secret`Bearer ${token}` } })
 */
export function secret(text: string): Secret
export function secret(parts: TemplateStringsArray, ...values: readonly (string | Secret)[]): Secret
export function secret(
  first: string | TemplateStringsArray,
  ...values: readonly (string | Secret)[]
): Secret {
  if (typeof first === 'string') return new Secret(() => first)
  if (!Array.isArray(first) || !('raw' in first)) {
    throw new MillraceError('OPTION_INVALID', `secret is given ${typeof first}; give a text`)
  }
  return new Secret(() => String.raw({ raw: first }, ...values.map((value) => reveal(value))))
}

/** Returns the text of an option that may be a secret. For connectors. */
export function reveal(value: string | Secret): string {
  return isSecret(value) ? value.reveal() : value
}

/** Whether a value is a secret, also one of another copy of this package. */
export function isSecret(value: unknown): value is Secret {
  if (value instanceof Secret) return true
  return (
    typeof value === 'object' &&
    value !== null &&
    inspected in value &&
    typeof Reflect.get(value, 'reveal') === 'function'
  )
}

/** Shorter parts of a secret occur in texts by chance. */
const shortestPart = 4

/** Removes secrets from texts that come from outside: an answer of a server may repeat what was sent. */
export class Redaction {
  readonly #parts: readonly string[]

  constructor(secrets: readonly (string | Secret)[]) {
    // A field such as `Bearer TOKEN` is secret as a whole and in its parts. Longer ones come first.
    const parts = secrets.map(reveal).flatMap((text) => [text, ...text.split(/[\s,;=]+/)])
    this.#parts = [...new Set(parts)]
      .filter((part) => part.length >= shortestPart)
      .toSorted((a, b) => b.length - a.length)
  }

  /** Returns the redaction of these and further secrets. */
  with(secrets: readonly string[]): Redaction {
    return new Redaction([...this.#parts, ...secrets])
  }

  /** Returns the text without them, and without logins in addresses. */
  redact(text: string): string {
    let redacted = text
    for (const part of this.#parts) redacted = redacted.replaceAll(part, mask)
    return maskLogins(redacted)
  }
}
