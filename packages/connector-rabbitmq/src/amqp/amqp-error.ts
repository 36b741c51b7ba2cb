/** What no broker sends: bytes cut short, a length that cannot be, an answer to nothing. */
export class AmqpError extends Error {
  constructor(problem: string) {
    super(problem)
    this.name = 'AmqpError'
  }
}

/** A broker has closed a channel or a connection, and has said why. */
export class BrokerError extends Error {
  readonly code: number
  /** Whether it has refused the virtual host. That may not be up yet. */
  readonly isAboutHost: boolean

  constructor(code: number, reason: string, isAboutHost = false) {
    super(reason)
    this.name = 'BrokerError'
    this.code = code
    this.isAboutHost = isAboutHost
  }
}
