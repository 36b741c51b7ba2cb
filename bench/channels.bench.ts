/** What do channels, select and tasks cost, compared with Go's, Effect's, and a bare promise? */
import { shapes } from './channel-shapes.ts'
import { compare, costOf } from './compare.ts'
import type { Contender, Question } from './compare.ts'
import { alone } from './contender.ts'
import { effectVersion, shapes as effectShapes } from './channel-rivals/effect.ts'
import { buildGo } from './channel-rivals/go.ts'
import { shapes as promiseShapes } from './channel-rivals/promise.ts'

const go = buildGo()
const goName = `Go ${go?.version}`
const effectName = `Effect ${effectVersion}`
const promiseName = `the bare promise, node ${process.version}`

interface Details {
  /** The name of the shape in `bench/channel-rivals/go/main.go`. */
  readonly go: string
  /** Our cost may be this many times Go's. */
  readonly times?: number
  /**
   * Our cost may be this many times that of a bare promise, where no promise can be as fast as Go
   * (`docs/design/009`).
   */
  readonly timesPromise?: number
  /** How many operations per turn: enough for a few dozen milliseconds. */
  readonly operations?: number
}

/**
 * The same shape for every library that has it, each in its own process; and ours once more after all others,
 * in one process.
 */
function question(name: string, shape: keyof typeof shapes, details: Details): Question {
  const { times, timesPromise, operations = 300_000 } = details
  const goes = (processors?: number): Contender | undefined =>
    go && ((count) => go.run(details.go, count * 3, processors))
  const rival = (file: string, others: object): Contender | undefined =>
    shape in others ? alone(`./channel-rivals/${file}.ts`, shape) : undefined
  return {
    name,
    operations,
    ours: alone('./channel-shapes.ts', shape),
    beside: { 'after all other shapes': costOf(shapes[shape]) },
    rivals: {
      [goName]: goes(),
      [`${goName} with GOMAXPROCS=1`]: goes(1),
      [effectName]: rival('effect', effectShapes),
      [promiseName]: rival('promise', promiseShapes),
    },
    bar: barOf(times, goName) ?? barOf(timesPromise, promiseName),
  }
}

function barOf(times: number | undefined, rival: string): Question['bar'] {
  return times === undefined ? undefined : { rival, times }
}

await compare([
  question('unbuffered, two tasks', 'unbuffered', { go: 'unbuffered', times: 1 }),
  question('unbuffered with a signal, two tasks', 'unbufferedWithSignal', { go: 'unbuffered, signal' }),
  question('buffer of 1, two tasks', 'bufferOfOne', { go: 'buffer of 1', times: 2 }),
  question('buffer of 128, two tasks', 'bufferOfMany', {
    go: 'buffer of 128',
    timesPromise: 1.25,
  }),
  question('buffer of 128, two tasks that try first', 'bufferTryingFirst', {
    go: 'buffer of 128',
    times: 2,
    operations: 1_000_000,
  }),
  question('buffer of 128, batches of 128', 'batches', { go: 'slices', times: 1, operations: 3_000_000 }),
  question('buffered, one task', 'oneTask', { go: 'one task', timesPromise: 1.25 }),
  question('buffered, one task, trySend and tryReceive', 'tryOneTask', {
    go: 'one task',
    times: 2,
    operations: 3_000_000,
  }),
  question('select of 2 ready, with its sends', 'selectTwoReady', { go: 'select of 2 ready', times: 2 }),
  question('selector of 2 ready, with its sends', 'selectorTwoReady', { go: 'select of 2 ready', times: 2 }),
  question('select of 4 ready, with its sends', 'selectFourReady', { go: 'select of 4 ready', times: 2 }),
  question('selector of 4 ready, with its sends', 'selectorFourReady', { go: 'select of 4 ready', times: 2 }),
  question('select of 2 with default, none ready', 'selectWithDefault', {
    go: 'select with default',
    times: 2,
  }),
  question('selector of 2 with default, none ready', 'selectorWithDefault', {
    go: 'select with default',
    times: 2,
  }),
  question('select of 2 waits and is woken', 'selectTwoWaits', { go: 'select of 2 waits', times: 2 }),
  question('selector of 2 waits and is woken', 'selectorTwoWaits', { go: 'select of 2 waits', times: 2 }),
  question('select of 4 waits and is woken', 'selectFourWaits', { go: 'select of 4 waits', times: 2 }),
  question('selector of 4 waits and is woken', 'selectorFourWaits', { go: 'select of 4 waits', times: 2 }),
  question('spawn and join', 'spawnAndJoin', { go: 'spawn and join' }),
  question('scope of one task', 'scopeOfOne', { go: 'scope of one task', operations: 30_000 }),
  question('cancel a tree of 1,000, per node', 'cancelTree', { go: 'cancel a tree' }),
  question('fan out to 3 tasks and in again', 'fanOut', { go: 'fan out to 3 tasks' }),
])
