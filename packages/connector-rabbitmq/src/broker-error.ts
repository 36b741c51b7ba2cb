import { isMillraceError, MillraceError } from '@millrace/core'

/** Codes by which a broker says why it closes a channel or a connection. */
const codes = {
  accessRefused: 403,
  notFound: 404,
  locked: 405,
  preconditionFailed: 406,
  notAllowed: 530,
} as const

/** What a broker has said, without the words that the client puts around it. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  if (isHostRefused(error)) return 'the broker refuses the virtual host'
  return /with message "(.*)"$/s.exec(message)?.[1] ?? message
}

function codeOf(error: unknown): number | undefined {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  if (typeof code === 'number') return code
  // During the handshake the client has put it into its text.
  const [, text] = /\b(403|530)\b/.exec(String(message)) ?? []
  return text === undefined ? undefined : Number(text)
}

/** Whether the broker refuses this user, or does not have this virtual host. */
export function isRefused(error: unknown): boolean {
  const code = codeOf(error)
  return code === codes.accessRefused || code === codes.notAllowed
}

/** Whether the broker ends the handshake at the virtual host, also because that is not up yet. The client does not say why. */
export function isHostRefused(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Expected ConnectionOpenOk; got <ConnectionClose')
}

/** Whether something is not there. A queue whose node is down will be there again. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === codes.notFound && !/is down or inaccessible/.test(reasonOf(error))
}

/** Whether the broker has waited too long for an acknowledgement. */
export function isAcknowledgementLate(error: unknown): boolean {
  return codeOf(error) === codes.preconditionFailed && /acknowledgement.*timed out/.test(reasonOf(error))
}

/** Whether a failure stays when it is tried again. */
export function isFinal(error: unknown): boolean {
  if (isMillraceError(error) || isRefused(error) || isMissing(error)) return true
  const code = codeOf(error)
  if (code === codes.preconditionFailed) return !isAcknowledgementLate(error)
  // A frame that this client cannot read comes again.
  return code === codes.locked || error instanceof TypeError
}

/** The error for a queue or stream that cannot be read. */
export function unreadable(what: string, queue: string, server: string, error: unknown): MillraceError {
  if (isMillraceError(error)) return error
  const reason = `${what}: ${queue} on ${server} cannot be read: ${reasonOf(error)}`
  const code = codeOf(error)
  const help = /invalid arg 'x-stream-offset'/.test(reason)
    ? '; it is no stream but a queue: read it with rabbitmq.receiveJson, receiveText or receiveMessages'
    : code === codes.notFound
      ? '; create it first'
      : code === codes.locked
        ? '; it belongs to the connection that has declared it as exclusive: read another queue, or declare it otherwise'
        : code === codes.accessRefused
          ? '; another consumer has it for itself, or this user may not read it'
          : ''
  return new MillraceError(help === '' ? 'SOURCE_FAILED' : 'OPTION_INVALID', reason + help, {
    isFinal: isFinal(error),
  })
}
