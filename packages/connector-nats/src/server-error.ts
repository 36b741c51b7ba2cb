import { isMillraceError } from '@millrace/core'
import { JetStreamApiError } from '@nats-io/jetstream'
import { errors } from '@nats-io/transport-node'

/** Whether a failure stays when it is tried again. */
export function isFinal(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.status !== 503
  return isMillraceError(error) || isRefused(error) || error instanceof errors.InvalidArgumentError
}

function isRefused(error: unknown): boolean {
  return (
    error instanceof errors.AuthorizationError ||
    error instanceof errors.UserAuthenticationExpiredError ||
    error instanceof errors.PermissionViolationError
  )
}

/** What the user may do when the first connection fails. */
export function adviceOn(error: unknown): string {
  return isRefused(error)
    ? 'give user and password or a token in the url, or credentials'
    : 'check the address and that the server runs'
}

/** What a failure says. The client names its errors after their classes, which says nothing to a user. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
