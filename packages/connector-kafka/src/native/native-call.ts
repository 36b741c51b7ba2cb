import { describeError, MillraceError } from '@millrace/core'
import { KafkaFailure } from '../cluster.ts'
import type { NativeCallback, NativeError, NativeModule } from './native-module.ts'

const packageName: string = '@confluentinc/kafka-javascript'

/** The client library. Rejects with `PACKAGE_MISSING`. */
export async function loadClient(what: string, given: NativeModule | undefined): Promise<NativeModule> {
  if (given !== undefined) return given
  try {
    const module = (await import(packageName)) as NativeModule & { readonly default?: NativeModule }
    return module.default ?? module
  } catch (error) {
    const message = `${what}: the client for Kafka cannot be loaded: ${describeError(error)}; install it with: npm install ${packageName}`
    throw new MillraceError('PACKAGE_MISSING', message, { cause: error, isFinal: true })
  }
}

/** Calls a function that takes a callback. Rejects with a `KafkaFailure`. */
export function call<T>(begin: (callback: NativeCallback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    try {
      begin((error, result) => {
        if (error === null || error === undefined) resolve(result)
        else reject(failureOf(error))
      })
    } catch (error) {
      reject(failureOf(error as NativeError))
    }
  })
}

/** Waits for a call that cannot be interrupted, until the signal aborts. */
export function orAborted<T>(waiting: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    waiting.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Codes of librdkafka and of the protocol. */
export const codes = {
  allBrokersDown: -187,
  authentication: -169,
  fenced: -144,
  noOffset: -140,
  queueFull: -184,
  tls: -181,
  timedOut: -185,
  unknownPartition: -190,
  unknownTopic: -188,
} as const

/** What does not pass by waiting: topics, rights, records and options. */
const finalCodes: ReadonlySet<number> = new Set([
  -186, -169, 2, 10, 17, 21, 29, 30, 31, 33, 34, 35, 40, 42, 43, 44, 50, 53, 54, 58, 65, 87,
])

export function failureOf(error: NativeError): KafkaFailure {
  if (error instanceof KafkaFailure) return error
  const { code = 0, message } = error
  return new KafkaFailure(code, message, finalCodes.has(code))
}
