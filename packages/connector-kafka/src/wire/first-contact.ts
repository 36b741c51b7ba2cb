import { durationMs } from '@millrace/core'
import type { World } from '../cluster.ts'
import { brokersOf, type KafkaOptions } from '../options.ts'
import { Patience } from '../patience.ts'
import { refusal } from '../refusal.ts'
import { Brokers, type Place } from './brokers.ts'
import { codes, failureOf } from './codes.ts'
import type { Network } from './line.ts'
import type { WireConnection } from './wire-reader.ts'

/** Connects to the brokers of a cluster. Rejects with `OPTION_INVALID` if it was never reached, or refuses the user. */
export type ConnectBrokers = (what: string, world: World) => Promise<WireConnection>

/** Returns what connects to the cluster of `options`. */
export function brokersConnect(options: KafkaOptions, network: Network): ConnectBrokers {
  let wasReached = false
  return async (what, world) => {
    const address = brokersOf(what, options)
    const limitMs = durationMs(options.connectTimeout ?? '10s', `${what}: connectTimeout`)
    const requestMs = durationMs(options.requestTimeout ?? '10s', `${what}: requestTimeout`)
    const { clientId = 'millrace', sasl } = options
    const brokers = new Brokers(
      address.split(',').map(placeOf),
      { network, clientId, sasl, requestMs },
      world,
    )
    try {
      if (wasReached) await new Patience(address, world).repeat(() => brokers.metadata([]))
      else await firstContact(brokers, limitMs, network, world)
    } catch (error) {
      await brokers.close()
      if (world.signal.aborted) throw world.signal.reason
      throw refusal(what, address, error)
    }
    wasReached = true
    return { brokers, address, world, requestMs }
  }
}

/** "host:port", or "[address]:port" of IPv6. */
function placeOf(address: string): Place {
  const colon = address.lastIndexOf(':')
  return {
    host: address.slice(0, colon).replaceAll(/[[\]]/g, ''),
    port: Number(address.slice(colon + 1)),
  }
}

/** Looks for a broker once: what fails now is a mistake, and no outage. */
function firstContact(
  brokers: Brokers,
  limitMs: number,
  { timer: timerOf }: Network,
  { signal }: World,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      timer[Symbol.dispose]()
      signal.removeEventListener('abort', abort)
      settle()
    }
    const abort = (): void => end(() => reject(signal.reason as Error))
    const timer = timerOf(limitMs, () =>
      end(() => reject(failureOf(codes.timedOut, `no answer for ${limitMs / 1_000} s`))),
    )
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    brokers.metadata([]).then(
      () => end(resolve),
      (error: Error) => end(() => reject(error)),
    )
  })
}
