/** What do channels, select and tasks cost beside Go's, Effect's, and the bare promise? */
import * as ours from './channel-shapes.ts'
import { compare, cost } from './compare.ts'
import type { Question, Shape } from './compare.ts'
import * as effect from './rivals/effect.ts'
import { buildGo } from './rivals/go.ts'
import * as promise from './rivals/promise.ts'

const go = buildGo()
const goName = `Go ${go?.version}`
const effectName = `Effect ${effect.effectVersion}`
const promiseName = `the bare promise, node ${process.version}`

interface Others {
  /** The name of the shape in `bench/go/main.go`. */
  readonly go?: string
  /** Ours may cost so many times what Go's does. */
  readonly times?: number
  readonly effect?: Shape
  readonly promise?: Shape
  /** How many in each turn: enough for a few dozen milliseconds. */
  readonly operations?: number
}

function question(name: string, shape: Shape, others: Others): Question {
  const rival = (of: Shape | undefined) => of && ((operations: number) => cost(of, operations))
  const goes = (processors?: number) => {
    const goShape = others.go
    return go && goShape && ((operations: number) => go.run(goShape, operations * 3, processors))
  }
  return {
    name,
    operations: others.operations ?? 300_000,
    ours: shape,
    rivals: {
      [goName]: goes() || undefined,
      [`${goName} with GOMAXPROCS=1`]: goes(1) || undefined,
      [effectName]: rival(others.effect),
      [promiseName]: rival(others.promise),
    },
    bar: others.times === undefined ? undefined : { rival: goName, times: others.times },
  }
}

await compare([
  question('unbuffered, two tasks', ours.pipe(0), {
    go: 'unbuffered',
    times: 1,
    effect: effect.pipe(0),
    promise: promise.handOff,
  }),
  question('buffer of 1, two tasks', ours.pipe(1), { go: 'buffer of 1', times: 2, effect: effect.pipe(1) }),
  question('buffer of 128, two tasks', ours.pipe(128), {
    go: 'buffer of 128',
    times: 2,
    effect: effect.pipe(128),
  }),
  question('buffer of 128, two tasks that try first', ours.pipeTryingFirst(128), {
    go: 'buffer of 128',
    times: 2,
    operations: 1_000_000,
  }),
  question('buffer of 128, batches of 128', ours.batches, {
    go: 'slices',
    times: 1,
    effect: effect.batches,
    operations: 3_000_000,
  }),
  question('buffered, one task', ours.oneTask, {
    go: 'one task',
    times: 2,
    effect: effect.oneTask,
    promise: promise.oneTask,
  }),
  question('buffered, one task, trySend and tryReceive', ours.tryOneTask, {
    go: 'one task',
    times: 2,
    operations: 3_000_000,
  }),
  question('select of 2 ready, with its sends', ours.selectTwoReady, { go: 'select of 2 ready', times: 2 }),
  question('selector of 2 ready, with its sends', ours.selectorTwoReady, {
    go: 'select of 2 ready',
    times: 2,
  }),
  question('select of 4 ready, with its sends', ours.selectFourReady, { go: 'select of 4 ready', times: 2 }),
  question('selector of 4 ready, with its sends', ours.selectorFourReady, {
    go: 'select of 4 ready',
    times: 2,
  }),
  question('select of 2 with default, none ready', ours.selectWithDefault, {
    go: 'select with default',
    times: 2,
  }),
  question('selector of 2 with default, none ready', ours.selectorWithDefault, {
    go: 'select with default',
    times: 2,
  }),
  question('select of 2 waits and is woken', ours.selectTwoWaits, { go: 'select of 2 waits', times: 2 }),
  question('selector of 2 waits and is woken', ours.selectorTwoWaits, { go: 'select of 2 waits', times: 2 }),
  question('select of 4 waits and is woken', ours.selectFourWaits, { go: 'select of 4 waits', times: 2 }),
  question('selector of 4 waits and is woken', ours.selectorFourWaits, { go: 'select of 4 waits', times: 2 }),
  question('spawn and join', ours.spawnAndJoin, {
    go: 'spawn and join',
    effect: effect.spawnAndJoin,
    promise: promise.spawnAndJoin,
  }),
  question('cancel a tree of 1,000, per node', ours.cancelTree, { go: 'cancel a tree' }),
  question('fan out to 3 tasks and in again', ours.fanOut, {
    go: 'fan out to 3 tasks',
    effect: effect.fanOut,
  }),
])
