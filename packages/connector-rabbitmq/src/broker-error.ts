import { isMillraceError, MillraceError } from '@millrace/core'
import { BrokerError } from './amqp/amqp-error.ts'

/** Codes by which a broker says why it closes a channel or a connection. */
const codes = {
  accessRefused: 403,
  notFound: 404,
  locked: 405,
  preconditionFailed: 406,
  notAllowed: 530,
} as const

/** What a broker has said, or what is wrong with what it has sent. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function codeOf(error: unknown): number | undefined {
  return error instanceof BrokerError ? error.code : undefined
}

/** Whether the broker refuses this user. */
function isRefused(error: unknown): boolean {
  const code = codeOf(error)
  return code === codes.accessRefused || (code === codes.notAllowed && !isHostRefused(error))
}

/** Whether the broker ends the handshake at the virtual host, also because that is not up yet. */
function isHostRefused(error: unknown): boolean {
  return error instanceof BrokerError && error.isAboutHost
}

/** What the user may do when the first connection fails. */
export function adviceOn(error: unknown): string {
  return isRefused(error) || isHostRefused(error)
    ? 'check user, password and virtual host in the url'
    : 'check the address and that the broker runs'
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
  return code === codes.locked || (code === codes.preconditionFailed && !isAcknowledgementLate(error))
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
