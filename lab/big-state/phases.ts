import process from 'node:process'
import { memory } from '@millrace/connector-memory'
import { generator } from '@millrace/connector-generator'
import { diskStore, pipeline, run, type Pipeline } from 'millrace'

/** What one process does. Plain data. */
export interface Phase {
  readonly kind: 'fill' | 'restart'
  readonly keys: number
  readonly directory: string
  readonly memoryBytes: number
}

/** What it cost to fill the state and to change it. */
export interface Fill {
  /** CPU time of a record. */
  readonly newMicros: number
  readonly knownMicros: number
  readonly residentBytes: number
  readonly isExact: boolean
}

/** What it cost to start again. */
export interface Restart {
  /** From the start of the job to the first result. */
  readonly seconds: number
  readonly residentBytes: number
  readonly isExact: boolean
}

/** A prime: multiples of it meet each key once before any of them twice. */
const stride = 15_485_863

/** Counts the records of each key. The first `keys` records have new keys. */
function counting(keys: number, count: number, emitted: (value: number) => void): Pipeline {
  return pipeline(
    'big-state',
    (p) => {
      p.from(
        'numbers',
        generator.generate({
          seed: 1,
          every: 1,
          count,
          make: ({ index }) => ({ key: `customer-${(index * stride) % keys}` }),
        }),
      )
        .keyBy((each) => each.key)
        .scan(
          'counts',
          () => ({ count: 0, last: '' }),
          ({ count: before }, { key }) => ({ count: before + 1, last: key }),
        )
        .map((each) => emitted(each.value.count))
        .filter(() => false)
        .to('nothing', memory.write())
    },
    { checkpointEvery: '5s' },
  )
}

/** As many records with new keys, and then as many with known ones. */
export async function measureFill({ keys, directory, memoryBytes }: Phase): Promise<Fill> {
  let records = 0
  let sum = 0
  const began = process.cpuUsage()
  let between = began
  const emitted = (value: number): void => {
    sum += value
    if (++records === keys) between = process.cpuUsage()
  }
  await run(counting(keys, 2 * keys, emitted), {
    dataDir: directory,
    bounded: true,
    store: diskStore({ memoryBytes }),
  })
  const ended = process.cpuUsage()
  return {
    newMicros: (cpuOf(between) - cpuOf(began)) / keys,
    knownMicros: (cpuOf(ended) - cpuOf(between)) / keys,
    residentBytes: process.resourceUsage().maxRSS * 1024,
    isExact: sum === 3 * keys,
  }
}

/** Starts the job again with a few more records. */
export async function measureRestart({ keys, directory, memoryBytes }: Phase): Promise<Restart> {
  const more = 1000
  const began = performance.now()
  let first = 0
  let sum = 0
  const emitted = (value: number): void => {
    if (first === 0) first = performance.now()
    sum += value
  }
  const job = counting(keys, 2 * keys + more, emitted)
  await run(job, { dataDir: directory, bounded: true, store: diskStore({ memoryBytes }) })
  return {
    seconds: (first - began) / 1000,
    residentBytes: process.resourceUsage().maxRSS * 1024,
    isExact: sum === 3 * more,
  }
}

function cpuOf({ user, system }: NodeJS.CpuUsage): number {
  return user + system
}
