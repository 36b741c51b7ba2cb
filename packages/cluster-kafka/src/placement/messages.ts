import { describeError, MillraceError } from '@millrace/core'
import type { WorkerShare } from './assignor.ts'

/** Names the meaning of the messages below: workers with another one cannot be in one group. */
export const protocol = 'millrace-leases-2'

/** `stop`: all workers make a last checkpoint and end. `drain`: its input ends, and they end when everything has followed. */
export type JobEnding = 'stop' | 'drain'

/** What a worker says of itself. */
export interface Claim {
  /** Into how many leases it divides the work. */
  readonly leases: number
  readonly held: readonly number[]
  readonly cached: readonly (readonly [lease: number, offset: number])[]
  /** The leases of others whose copy on its disk is up to date; undefined if it makes no copies. */
  readonly current?: readonly number[] | undefined
  /** The leases whose input it has read to the end. */
  readonly finished: readonly number[]
  /** Where other workers reach it. */
  readonly address?: string | undefined
  /** The run of the job that it takes part in; undefined if it has just come. */
  readonly run?: string | undefined
  /** Whether it knows that the input of all leases has ended. */
  readonly isOver: boolean
  /** How the job is to end. Each worker that has heard it says so as well. */
  readonly ending?: JobEnding | undefined
}

/** What a worker has, for the others. */
export interface WorkerPlace {
  /** Where other workers reach it; undefined if they do not. */
  readonly address?: string | undefined
  /** The leases that it runs, also those that it is to give away. */
  readonly leases: readonly number[]
  /** The leases of others whose state it copies. */
  readonly standbys: readonly number[]
}

/** What a worker gets. */
export interface Share extends WorkerShare {
  /** How many workers there are. */
  readonly workers: number
  /** Names the run of the job: from the first worker to the end of all input. */
  readonly run: string
  /** Whether the input of all leases has ended. */
  readonly isOver: boolean
  /** Whether all workers know that: until then each remains in the group, because others learn it from those that know. */
  readonly isKnown: boolean
  /** Why nothing can be divided; undefined if it is. */
  readonly problem?: string | undefined
  /** How the job is to end; undefined if it runs on. */
  readonly ending: JobEnding | undefined
  /** Where everything is. */
  readonly places: readonly WorkerPlace[]
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Encodes what a worker says, or gets. */
export function encodeMessage(message: Claim | Share): Uint8Array {
  return encoder.encode(JSON.stringify(message))
}

/** Decodes what a worker says. Throws `CODEC_FAILED`. */
export function decodeClaim(bytes: Uint8Array): Claim {
  const claim = fields(bytes)
  return {
    leases: number(claim['leases']),
    held: numbers(claim['held']),
    cached: list(claim['cached']).map((pair) => {
      const [lease, offset] = numbers(pair)
      return [number(lease), number(offset)] as const
    }),
    current: claim['current'] === undefined ? undefined : numbers(claim['current']),
    finished: numbers(claim['finished']),
    address: textIn(claim['address']),
    run: typeof claim['run'] === 'string' ? claim['run'] : undefined,
    isOver: claim['isOver'] === true,
    ending: endingIn(claim['ending']),
  }
}

/** Decodes what a worker gets. Throws `CODEC_FAILED`. */
export function decodeShare(bytes: Uint8Array): Share {
  const share = fields(bytes)
  return {
    leases: numbers(share['leases']),
    standbys: numbers(share['standbys']),
    workers: number(share['workers']),
    run: String(share['run']),
    isOver: share['isOver'] === true,
    isKnown: share['isKnown'] === true,
    problem: textIn(share['problem']),
    ending: endingIn(share['ending']),
    // A worker of an earlier version does not say it.
    places: list(share['places'] ?? []).map(placeOf),
  }
}

function placeOf(value: unknown): WorkerPlace {
  const place = object(value)
  return {
    address: textIn(place['address']),
    leases: numbers(place['leases']),
    standbys: numbers(place['standbys']),
  }
}

function fields(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let message: unknown
  try {
    message = JSON.parse(decoder.decode(bytes))
  } catch (error) {
    throw unreadable(describeError(error))
  }
  return object(message)
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  throw unreadable('it is no object')
}

function endingIn(value: unknown): JobEnding | undefined {
  return value === 'stop' || value === 'drain' ? value : undefined
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unreadable('a list is missing')
  return value
}

function numbers(value: unknown): readonly number[] {
  return list(value).map(number)
}

function number(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw unreadable('a number is missing')
}

function unreadable(why: string): MillraceError {
  return new MillraceError('CODEC_FAILED', `a message of the group cannot be read: ${why}`)
}
