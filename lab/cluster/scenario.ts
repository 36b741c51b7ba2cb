/** What happens in one simulation, as plain data: so that it can be drawn, printed, repeated and made shorter. */
import { seededRandom } from '@millrace/world'

/** A topic that the job reads. */
export interface InputSpec {
  readonly name: string
  readonly partitions: number
  /** In all partitions. */
  readonly records: number
  readonly keys: number
  /** How far apart the event times of a partition are. */
  readonly stepMs: number
  /** By how much times are out of order, without being late. */
  readonly disorderMs: number
  /** By how much some records are late, beyond that. Such an input has one partition: then it does not depend on others what is late. */
  readonly lateMs?: number
}

/** What the job does with its inputs. */
export const partKinds = [
  'copy',
  'windows',
  'running',
  'timers',
  'join',
  'broadcast',
  'windows of windows',
  'window of all',
  'regrouped',
  'union',
  'late windows',
  'ledger',
] as const

export type PartKind = (typeof partKinds)[number]

/** Parts in which two inputs meet. */
export const meetingKinds: ReadonlySet<PartKind> = new Set(['join', 'broadcast', 'union'])

export interface PartSpec {
  readonly kind: PartKind
  /** Indices of inputs: two for a part in which two meet. */
  readonly inputs: readonly number[]
  /** The length of windows, and of what is like them. */
  readonly sizeMs: number
}

/** The points of a worker's work at which it can be hit: a request leaves, its answer leaves, or a lease does something on its disk. */
export const points = [
  'begin sent',
  'begin done',
  'write sent',
  'write done',
  'commit sent',
  'commit done',
  'range sent',
  'range done',
  'group sent',
  'group done',
  'restoring',
  'running',
  'manifest',
] as const

export type Point = (typeof points)[number]

/** What happens to a cluster. `who` is the number of a worker, counted among those that can be meant. */
export type Happening = { readonly atMs: number } & (
  | {
      readonly kind: 'kill'
      readonly who: number
      /** What its disk keeps: everything, what was synced, or nothing because it is another disk. */
      readonly disk: 'kept' | 'torn' | 'new'
      /** It dies in so many operations of its disk; 0: at once. */
      readonly afterOperations: number
      /** It starts again after so long; undefined: never. */
      readonly backAfterMs: number | undefined
    }
  | { readonly kind: 'freeze' | 'cut'; readonly who: number; readonly forMs: number }
  | {
      /** It is hit when it reaches a point for the time after so many. */
      readonly kind: 'hit'
      readonly who: number
      readonly point: Point
      readonly after: number
      readonly how: 'kill' | 'freeze' | 'cut' | 'delay' | 'poison' | 'fail'
      readonly forMs: number
      readonly disk: 'kept' | 'torn' | 'new'
      readonly afterOperations: number
      readonly backAfterMs: number | undefined
    }
  /** So many operations of its disk later, one fails. */
  | { readonly kind: 'diskError'; readonly who: number; readonly afterOperations: number }
  | { readonly kind: 'outage'; readonly forMs: number }
  | { readonly kind: 'slow'; readonly forMs: number; readonly latencyMs: number; readonly markMs: number }
  | { readonly kind: 'lostAnswer'; readonly who: number; readonly outcome: 'committed' | 'open' }
  | { readonly kind: 'add' }
  | { readonly kind: 'stop'; readonly who: number; readonly backAfterMs: number | undefined }
  | { readonly kind: 'compact' | 'poison' }
)

/** How the job and its surroundings are. Durations are in milliseconds. */
export interface Setting {
  readonly leases: number
  readonly standbys: number
  /** How many workers there are at first. */
  readonly workers: number
  /** Whether workers have names in their group. */
  readonly areNamed: boolean
  readonly sessionMs: number
  readonly everyMs: number
  readonly isBounded: boolean
  readonly store: 'memory' | 'disk'
  readonly batchRecords: number
  readonly latencyMs: number
  readonly markMs: number
  /** So many records are delivered at a time. */
  readonly deliveredMax: number
  /** A delivery from a partition takes up to so much longer, from some more than from others. */
  readonly unevenMs: number
  /** A batch of results is sent when it has so many bytes. */
  readonly sinkBytes: number
  /** The share of disk operations that take time, and how much. */
  readonly slowShare: number
  readonly slowMs: number
  /** How long a turn of a worker's work takes. */
  readonly turnMs: number
  /** By how much wall clocks differ. */
  readonly skewMs: number
  /** For how long records are produced, in as many portions. */
  readonly produceMs: number
  readonly portions: number
}

export interface Scenario {
  readonly seed: number
  readonly setting: Setting
  readonly inputs: readonly InputSpec[]
  readonly parts: readonly PartSpec[]
  readonly happenings: readonly Happening[]
}

/** A record of an input. */
export interface Item {
  readonly id: string
  readonly key: string
  /** Its event time. */
  readonly at: number
  readonly n: number
}

/** The time of the first record. */
const startTime = 1_000_000
/** The key of the record that ends each partition of an input that has no end. */
export const lastKey = 'last'
/** Later than everything else. */
export const lastTime = 10_000_000
/** After all other records, and before the last ones. */
export const closingTime = 9_000_000

/** The records of an input by partition, without the last ones. */
export function itemsOf(seed: number, spec: InputSpec): readonly (readonly Item[])[] {
  const random = seededRandom(seed).fork(`items ${spec.name}`)
  const partitions = Array.from({ length: spec.partitions }, (): Item[] => [])
  for (let n = 0; n < spec.records; n++) {
    const partition = random.int(spec.partitions)
    const items = partitions[partition]!
    const onTime = startTime + items.length * spec.stepMs + random.int(Math.max(1, spec.disorderMs))
    const lateMs = spec.lateMs ?? 0
    const at = lateMs > 0 && random.int(4) === 0 ? Math.max(startTime, onTime - random.int(lateMs)) : onTime
    items.push({ id: `${spec.name}-${partition}/${items.length}`, key: `k${random.int(spec.keys)}`, at, n })
  }
  return partitions
}
