import { sleep } from '../src/index.ts'
import type { Clock, Random, ReceiveChannel, Scope } from '../src/index.ts'
import { fromIterable } from '../src/convert/iterable.ts'
import { buffer } from '../src/pattern/buffer.ts'
import { bridge, merge, orDone } from '../src/pattern/fan-in.ts'
import { broadcast, fanOut, partition, tee } from '../src/pattern/fan-out.ts'
import { batch, debounce, throttle } from '../src/pattern/pace.ts'
import { parallelMap, stage, workerPool } from '../src/pattern/stage.ts'

/** A value in transit. Values are compared by identity: several may have one id. */
export interface Item {
  readonly id: number
}

/** A pattern with drawn options, and the law that it must keep when it is drained. */
export interface PatternTrial {
  readonly name: string
  /** How it reads several inputs: all at once, or one after the other. Undefined: it reads one. */
  readonly joins?: 'at once' | 'in line'
  /** Each output has every value. */
  readonly copies?: true
  readonly start: (inputs: readonly ReceiveChannel<Item>[]) => readonly ReceiveChannel<Item | Item[]>[]
  /** The violation in `outs` for the input `ins`. */
  readonly wrongWith: (ins: readonly Item[][], outs: readonly Item[][]) => string | undefined
}

/** The inputs of a trial. */
export interface TrialWorld {
  readonly clock: Clock
  readonly random: Random
  readonly scope: Scope
  readonly pause: () => Promise<void>
  /** The user's function: it may fail. */
  readonly use: (item: Item) => Item
}

type Lists = readonly (readonly Item[])[]

function isSame(list: readonly Item[], other: readonly Item[]): boolean {
  return list.length === other.length && list.every((item, index) => item === other[index])
}

/** Whether `list` is a subsequence of `whole`. */
function isWithin(list: readonly Item[], whole: readonly Item[]): boolean {
  let next = 0
  for (const item of whole) if (item === list[next]) next++
  return next === list.length
}

/** The violation unless all values arrived once, those of one line in order. */
function lostOrDoubled(ins: Lists, outs: Lists): string | undefined {
  const [given, found] = [ins.flat(), outs.flat()]
  const distinct = new Set(found)
  if (distinct.size < found.length) return 'duplicated a value'
  return given.length === found.length && given.every((item) => distinct.has(item))
    ? undefined
    : 'lost a value'
}

function unlessSame(ins: Lists, outs: Lists): string | undefined {
  return (
    lostOrDoubled(ins, outs) ?? (isSame(ins.flat(), outs.flat()) ? undefined : 'changed the order of values')
  )
}

function unlessSpread(ins: Lists, outs: Lists): string | undefined {
  const isOrdered = outs.every((out) => isWithin(out, ins[0]!))
  return lostOrDoubled(ins, outs) ?? (isOrdered ? undefined : 'changed the order of values')
}

function forks({ random, scope }: TrialWorld): readonly PatternTrial[] {
  const count = 2 + random.int(2)
  const copied = (_ins: Lists, outs: Lists): string | undefined =>
    outs.every((out) => isSame(out, _ins[0]!)) ? undefined : 'did not give every value to each'
  return [
    {
      name: 'fanOut in turn',
      start: ([input]) => fanOut(scope, input!, count),
      wrongWith: (ins, outs) =>
        outs.every((out, at) =>
          isSame(
            out,
            ins[0]!.filter((_, index) => index % count === at),
          ),
        )
          ? undefined
          : 'did not go in turn',
    },
    {
      name: 'fanOut first free',
      start: ([input]) => fanOut(scope, input!, count, { order: 'firstFree', random }),
      wrongWith: unlessSpread,
    },
    {
      name: 'partition',
      start: ([input]) => partition(scope, input!, count, ({ id }) => id % 3),
      wrongWith: (ins, outs) => {
        const homes = [0, 1, 2].map(
          (key) => outs.filter((out) => out.some(({ id }) => id % 3 === key)).length,
        )
        return unlessSpread(ins, outs) ?? (Math.max(...homes) > 1 ? 'gave one key to two outputs' : undefined)
      },
    },
    {
      name: 'broadcast',
      copies: true,
      start: ([input]) => broadcast(scope, input!, count),
      wrongWith: copied,
    },
    { name: 'tee', copies: true, start: ([input]) => tee(scope, input!), wrongWith: copied },
  ]
}

function joints({ scope, clock, random }: TrialWorld): readonly PatternTrial[] {
  return [
    {
      name: 'merge',
      joins: 'at once',
      start: (inputs) => [merge(scope, inputs)],
      wrongWith: (ins, outs) =>
        lostOrDoubled(ins, outs) ??
        (ins.every((each) => isWithin(each, outs[0]!)) ? undefined : 'changed the order of an input'),
    },
    {
      name: 'bridge',
      joins: 'in line',
      start: (inputs) => [bridge(scope, fromIterable(scope, inputs))],
      wrongWith: unlessSame,
    },
    {
      name: 'orDone',
      start: ([input]) => {
        const done = new AbortController()
        scope.go(async (signal) => {
          await sleep(clock, random.int(20), signal)
          done.abort()
          // Waiting upstream tasks must be released.
          for await (const _ of input!.values(signal));
        })
        return [orDone(scope, input!, done.signal)]
      },
      wrongWith: (ins, outs) =>
        isSame(outs[0]!, ins[0]!.slice(0, outs[0]!.length)) ? undefined : 'left out a value in the middle',
    },
  ]
}

function stages({ random, scope, pause, use }: TrialWorld): readonly PatternTrial[] {
  const count = 1 + random.int(3)
  const work = async (item: Item): Promise<Item> => {
    await pause()
    return use(item)
  }
  return [
    {
      name: 'stage',
      start: ([input]) => [
        stage(scope, input!, async function* (values) {
          for await (const item of values) yield await work(item)
        }),
      ],
      wrongWith: unlessSame,
    },
    {
      name: 'parallelMap',
      start: ([input]) => [parallelMap(scope, input!, count, work)],
      wrongWith: unlessSame,
    },
    {
      name: 'workerPool',
      start: ([input]) => [workerPool(scope, input!, count, work)],
      wrongWith: lostOrDoubled,
    },
  ]
}

function paces({ random, scope, clock }: TrialWorld): readonly PatternTrial[] {
  const size = 1 + random.int(3)
  const ms = random.int(6)
  return [
    {
      name: 'batch',
      start: ([input]) => {
        const withinMs = ms === 0 ? Infinity : ms
        return [batch(scope, input!, { size, withinMs, clock })]
      },
      wrongWith: unlessSame,
    },
    {
      name: 'throttle',
      start: ([input]) => [throttle(scope, input!, { everyMs: ms, clock })],
      wrongWith: unlessSame,
    },
    {
      name: 'debounce',
      start: ([input]) => [debounce(scope, input!, { quietMs: ms, clock })],
      wrongWith: ([given], [kept]) =>
        isWithin(kept!, given!) && kept!.at(-1) === given!.at(-1) ? undefined : 'did not keep the last value',
    },
  ]
}

function buffers({ random, scope }: TrialWorld): readonly PatternTrial[] {
  const capacity = 1 + random.int(3)
  return [
    {
      name: 'buffer that waits',
      start: ([input]) => [buffer(scope, input!, { capacity, whenFull: 'wait' })],
      wrongWith: unlessSame,
    },
    ...(['dropOldest', 'dropNewest'] as const).map((whenFull): PatternTrial => {
      let dropped = (): number => 0
      return {
        name: `buffer with ${whenFull}`,
        start: ([input]) => {
          const output = buffer(scope, input!, { capacity, whenFull })
          dropped = () => output.dropped
          return [output]
        },
        wrongWith: ([given], [kept]) => {
          if (!isWithin(kept!, given!)) return 'changed the order of values'
          if (given!.length - kept!.length !== dropped()) return `counted ${dropped()} values as dropped`
          const sure = whenFull === 'dropOldest' ? given!.at(-1) : given![0]
          return sure === undefined || kept!.includes(sure) ? undefined : 'dropped the wrong values'
        },
      }
    }),
  ]
}

/** A pattern with options chosen by the seed. */
export function drawPattern(world: TrialWorld): PatternTrial {
  const all = [...forks(world), ...joints(world), ...stages(world), ...paces(world), ...buffers(world)]
  return all[world.random.int(all.length)]!
}
