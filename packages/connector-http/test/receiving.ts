import type { ConnectorContext } from '@millrace/core/connector'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import type { Answer } from '../src/incoming-request.ts'
import { Receiver } from '../src/receiver.ts'
import { inflate } from '../src/server.ts'
import { planOf, type HttpServerOptions } from '../src/server-options.ts'
import { openLife, type InboxLife } from './inbox-life.ts'

/** A receiver with an inbox of its own. */
export interface Receiving extends InboxLife {
  readonly receiver: Receiver
  readonly platform: SimPlatform
  readonly warnings: string[]
}

export async function receiving(options: Partial<HttpServerOptions> = {}): Promise<Receiving> {
  const platform = simPlatform({ seed: 1 })
  const life = await openLife({ fs: platform.fs, segmentBytes: 1_000_000 })
  const warnings: string[] = []
  const warn = (message: string): void => void warnings.push(message)
  const context = { ...platform, name: 'in', warn } as unknown as ConnectorContext
  const receiver = new Receiver({
    plan: planOf({ port: 0, ...options }),
    inbox: life.inbox,
    sameSecret: (given, wanted) => given === wanted,
    inflate,
    context,
  })
  return { ...life, receiver, platform, warnings }
}

/** The header fields of a content type. */
export function typed(type: string): Readonly<Record<string, string>> {
  return { 'content-type': type }
}

/** The error message of an answer. */
export function errorOf(answer: Answer): string {
  return (answer.body as { error: string }).error
}
