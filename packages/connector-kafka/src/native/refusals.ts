import { KafkaFailure } from '../cluster.ts'
import { codes } from './native-call.ts'

/**
 * Finds out why brokers cannot be used, from what the client logs: its errors have neither a code nor a reason.
 */
export class Refusals {
  #reason: string | undefined
  #areAllDown = false

  log(message: string): void {
    if (/fail|error|refused|authentication/i.test(message))
      this.#reason = message.replace(/^\[thrd:[^\]]*\]: /, '')
  }

  error(message: string): void {
    if (/all broker/i.test(message)) this.#areAllDown = true
  }

  /** A reason that waiting does not change; undefined if there is none yet. */
  get found(): KafkaFailure | undefined {
    const reason = this.#reason
    if (reason === undefined) return undefined
    if (/SASL|authentication/i.test(reason)) return new KafkaFailure(codes.authentication, reason, true)
    if (/SSL|certificate|TLS/i.test(reason)) return new KafkaFailure(codes.tls, reason, true)
    return this.#areAllDown ? new KafkaFailure(codes.allBrokersDown, reason, false) : undefined
  }
}
