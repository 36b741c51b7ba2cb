import { Channel, Scope, sleep } from '../src/index.ts'
import type { ReceiveChannel } from '../src/index.ts'
import { stage } from '../src/pattern/stage.ts'
import type { MixWorld } from './channel-mix.ts'
import { drawPattern, type Item, type PatternTrial } from './pattern-trials.ts'
import { upTo } from './probe.ts'

/** An output without a reader so far, and the forks that its values have passed. */
interface End {
  readonly channel: ReceiveChannel<Item>
  readonly forks: ReadonlySet<PatternTrial>
}

/** A pattern in the graph, with its input and output values. */
interface Part {
  readonly trial: PatternTrial
  readonly ins: readonly Item[][]
  readonly outs: readonly Item[][]
}

const [broken, enough] = [new Error('broken'), new Error('enough')]

/**
 * A random graph of patterns over a few inputs, and the properties that must hold in any order.
 *
 * Inputs end by a close; or one of them or a user's function fails; or the scope is cancelled at some moment.
 * In the end every task has ended and every output is closed, or rejects with that reason. In a drained graph
 * each pattern has kept its own law. Otherwise values may be in transit, but none was duplicated or invented.
 */
export class PatternMix {
  readonly #world: MixWorld
  readonly #scope = new Scope()
  readonly #inputs: Channel<Item>[] = []
  readonly #parts: Part[] = []
  readonly #problems: string[] = []
  /** How it ends, and on which value a user's function or an input fails. */
  readonly #ending: 'close' | 'error' | 'cancel'
  readonly #fatal: number
  #ends: End[] = []
  #made = 0

  constructor(world: MixWorld) {
    this.#world = world
    const { random } = world
    this.#ending = (['close', 'close', 'error', 'cancel'] as const)[random.int(4)]!
    this.#fatal = this.#ending === 'error' ? random.int(8) : -1
  }

  /** Runs the graph to its end and returns the violations, one line each. */
  async run(): Promise<readonly string[]> {
    const { random } = this.#world
    for (const _ of upTo(1 + random.int(3))) this.#ends.push(this.#source(random.int(7)))
    for (const _ of upTo(1 + random.int(6))) this.#grow()
    const collected = Promise.all(this.#ends.map(({ channel }) => this.#collect(channel)))
    if (this.#ending === 'cancel') {
      for (const _ of upTo(random.int(12))) await this.#world.scheduler.turn()
      await this.#pause()
      this.#scope.cancel(enough)
    }
    const reasons = (await collected).filter((reason) => reason !== undefined)
    const failure = await this.#scope.wait().then(
      () => undefined,
      (error: unknown) => error,
    )
    this.#judge(reasons, failure)
    return this.#problems
  }

  /** An input whose values arrive with pauses. */
  #source(count: number): End {
    const channel = new Channel<Item>(this.#world.random.int(3))
    this.#inputs.push(channel)
    this.#scope.go(async (signal) => {
      for (const _ of upTo(count)) {
        await this.#pause()
        const item = { id: this.#made++ }
        // Only every other fatal value fails its input: the rest are left to user functions.
        if (item.id === this.#fatal && item.id % 2 === 0) throw broken
        await channel.send(item, signal)
      }
      channel.close()
    })
    return { channel: this.#tap(channel, []), forks: new Set() }
  }

  /** Adds a pattern after one or more ends. */
  #grow(): void {
    const { random } = this.#world
    const trial = drawPattern({
      ...this.#world,
      scope: this.#scope,
      pause: () => this.#pause(),
      use: (item) => {
        if (item.id === this.#fatal) throw broken
        return item
      },
    })
    const wanted = trial.joins === undefined ? 1 : 1 + random.int(3)
    const taken: End[] = []
    while (taken.length < wanted && this.#ends.length > 0) {
      const end = this.#ends[random.int(this.#ends.length)]!
      if (!this.#mayTake(trial, taken, end)) break
      this.#ends = this.#ends.filter((each) => each !== end)
      taken.push(end)
    }
    if (taken.length > 0) this.#add(trial, taken)
  }

  /**
   * A bridge reads its inputs one after the other: a fork that leads to two of them would deadlock, and so
   * would two forks.
   */
  #mayTake(trial: PatternTrial, taken: readonly End[], end: End): boolean {
    if (trial.joins !== 'in line') return true
    if (this.#parts.some((part) => part.trial.joins === 'in line')) return false
    return taken.every(({ forks }) => [...end.forks].every((fork) => !forks.has(fork)))
  }

  #add(trial: PatternTrial, taken: readonly End[]): void {
    const ins = taken.map((): Item[] => [])
    const outputs = trial.start(taken.map(({ channel }, index) => this.#tap(channel, ins[index]!)))
    const outs = outputs.map((): Item[] => [])
    const forks = new Set(taken.flatMap((end) => [...end.forks]))
    if (outputs.length > 1) forks.add(trial)
    for (const [index, output] of outputs.entries()) {
      this.#ends.push({ channel: this.#tap(output, outs[index]!, trial.copies), forks })
    }
    this.#parts.push({ trial, ins, outs })
  }

  /** Records the values that pass; a copy counts as a new value. */
  #tap(input: ReceiveChannel<Item | Item[]>, passed: Item[], copies = false): ReceiveChannel<Item> {
    return stage(this.#scope, input, async function* (values) {
      for await (const value of values) {
        for (const item of Array.isArray(value) ? value : [value]) {
          passed.push(item)
          yield copies ? { ...item } : item
        }
      }
    })
  }

  /** Receives until the end, and returns the reason if that is not a close. */
  async #collect(channel: ReceiveChannel<Item>): Promise<unknown> {
    try {
      for await (const _ of channel) await this.#pause()
      return undefined
    } catch (error) {
      return error
    }
  }

  async #pause(): Promise<void> {
    const { random, clock } = this.#world
    if (random.int(3) === 0) await sleep(clock, random.int(4))
  }

  #judge(reasons: readonly unknown[], failure: unknown): void {
    const why = { close: undefined, error: broken, cancel: enough }[this.#ending]
    for (const reason of [...reasons, failure]) {
      if (reason === undefined || reason === why) continue
      this.#problems.push(`it ended with ${reason instanceof Error ? reason.message : 'no error'}`)
    }
    const isWhole = reasons.length === 0 && failure === undefined
    for (const { trial, ins, outs } of this.#parts) {
      const problem = isWhole ? trial.wrongWith(ins, outs) : inventedBy(trial, ins, outs)
      if (problem !== undefined)
        this.#problems.push(`${trial.name} ${problem}: ${listText(ins)} became ${listText(outs)}`)
    }
    for (const input of this.#inputs) this.#expectNobody(input)
  }

  /** Checks that no task waits in the queue of an input. */
  #expectNobody(input: Channel<Item>): void {
    try {
      while (input.length < input.capacity) input.trySend({ id: -1 })
      if (input.trySend({ id: -1 })) this.#problems.push('a task still waits for an input')
    } catch {
      // Closed: no task can wait there.
    }
  }
}

/** Whether a pattern that was not drained has emitted a value twice, or one that it did not receive. */
function inventedBy(
  { copies }: PatternTrial,
  ins: readonly Item[][],
  outs: readonly Item[][],
): string | undefined {
  const given = new Set(ins.flat())
  for (const out of copies ? outs : [outs.flat()]) {
    if (new Set(out).size < out.length) return 'duplicated a value'
    if (!out.every((item) => given.has(item))) return 'invented a value'
  }
  return undefined
}

function listText(lists: readonly (readonly Item[])[]): string {
  return lists.map((list) => `[${list.map(({ id }) => id).join(' ')}]`).join(' ')
}
