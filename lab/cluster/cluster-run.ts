import type { WorkerEvent, WorkerResult } from '@millrace/cluster-kafka'
import { changelogTopic } from '@millrace/cluster-kafka'
import type { TopicPartition } from '@millrace/connector-kafka/port'
import { MemoryKafka } from '@millrace/cluster-kafka/testing'
import { describeError } from '@millrace/core'
import { ManualClock, seededRandom, systemScheduler, type Random } from '@millrace/world'
import { Hits } from './hits.ts'
import { jobName, outputTopic } from './job.ts'
import { Ledger } from './ledger.ts'
import { Machine, topicsOf, type Surroundings } from './machine.ts'
import { expectedRows, type Row } from './rows.ts'
import { itemsOf, lastKey, lastTime, type Happening, type Item, type Scenario } from './scenario.ts'
import { compareRows, type Problem } from './verdict.ts'

/** In so much simulated time a job must be done after the last happening, in milliseconds: a transaction may be open for 60,000. */
const patienceMs = 150_000
/** A run of more steps is stuck. */
const stepsMax = 3_000_000

/** What one run has shown. */
export interface RunReport {
  /** What is wrong; empty if every promise was kept. */
  readonly problems: readonly Problem[]
  readonly steps: number
  /** How long it took, in simulated milliseconds. */
  readonly tookMs: number
  /** How often workers have done something: gained a lease, were removed from the group. */
  readonly events: Readonly<Record<string, number>>
  /** How many results there must be. */
  readonly results: number
  readonly log: readonly string[]
}

/** One simulation: a cluster, its workers and what happens to them. */
export class ClusterRun {
  readonly #scenario: Scenario
  readonly #clock = new ManualClock(1_767_225_600_000)
  readonly #random: Random
  readonly #kafka: MemoryKafka
  readonly #ledger = new Ledger()
  readonly #hits = new Hits()
  readonly #around: Surroundings
  readonly #machines: Machine[] = []
  readonly #problems: Problem[] = []
  readonly #events: Record<string, number> = {}
  readonly #log: string[] = []
  readonly #isVerbose: boolean
  #steps = 0
  #poisons = 0
  /** The worker whose next record fails. */
  #poisoned: Machine | undefined
  #isOver = false
  #isHealed = false

  constructor(scenario: Scenario, isVerbose = false) {
    const { seed, setting } = scenario
    this.#scenario = scenario
    this.#isVerbose = isVerbose
    this.#random = seededRandom(seed).fork('run')
    const { latencyMs, markMs, deliveredMax } = setting
    this.#kafka = new MemoryKafka({
      clock: this.#clock,
      random: this.#random.fork('kafka'),
      latencyMs,
      markMs,
      deliveredMax,
      deliveryMs: unevenDeliveries(setting.unevenMs, this.#random.fork('deliveries')),
      onRequest: ({ process, request, moment }) => {
        const machine = this.#machines.find((each) => each.process === process)
        const held = machine === undefined ? 0 : this.#reach(machine, `${request} ${moment}`)
        return held === 'fails' ? 0 : held
      },
    })
    this.#around = {
      scenario,
      clock: this.#clock,
      kafka: this.#kafka,
      ledger: this.#ledger,
      meet: (machine, item) => this.#meet(machine, item),
      reach: (machine, point) => this.#reach(machine, point),
      observe: (machine, event) => this.#observe(machine, event),
      ended: (machine, result) => this.#ended(machine, result),
    }
  }

  async run(): Promise<RunReport> {
    const { setting, happenings, parts } = this.#scenario
    await this.#createTopics()
    this.#produce()
    for (let n = 0; n < setting.workers; n++) this.#add()
    for (const happening of happenings) this.#clock.schedule(happening.atMs, () => this.#happen(happening))
    const lastAt = Math.max(setting.isBounded ? 0 : setting.produceMs, ...happenings.map(({ atMs }) => atMs))
    const expected = expectedRows(this.#scenario)
    const isThere = (): boolean => this.#isOver || (!setting.isBounded && this.#rowCount >= expected.length)
    await this.#drive(lastAt, () => this.#problems.length > 0)
    this.#heal()
    const isDone = await this.#drive(patienceMs, () => this.#problems.length > 0 || isThere())
    if (!isDone)
      this.#problem('stuck', `${this.#rowCount} of ${expected.length} results after ${patienceMs} ms`)
    await this.#end()
    const found = this.#rows()
    this.#problems.push(...compareRows(expected, found, parts))
    return {
      problems: this.#problems,
      steps: this.#steps,
      tookMs: this.#clock.monotonic(),
      events: this.#events,
      results: expected.length,
      log: this.#log,
    }
  }

  /** Stops all workers, which must end. */
  async #end(): Promise<void> {
    if (this.#problems.length > 0) return
    // What comes twice comes soon.
    await this.#drive(2 * this.#scenario.setting.sessionMs, () => false)
    if (!this.#isOver) for (const machine of this.#machines) machine.stop()
    const haveEnded = await this.#drive(
      patienceMs,
      () => this.#problems.length > 0 || this.#machines.every(({ isRunning }) => !isRunning),
    )
    if (!haveEnded) this.#problem('stuck', `some workers do not end within ${patienceMs} ms`)
  }

  async #createTopics(): Promise<void> {
    const none = (): void => {}
    const { signal } = new AbortController()
    const port = this.#kafka.port(
      { clock: this.#clock, signal, warn: none, down: none, trying: none, up: none },
      'setup',
    )
    let isDone = false
    void port.createTopics(topicsOf(this.#scenario)).then(() => (isDone = true))
    await this.#drive(60_000, () => isDone, 0)
  }

  /** Produces the input: at once for a job that ends with it, otherwise bit by bit. */
  #produce(): void {
    const { seed, inputs, setting } = this.#scenario
    for (const spec of inputs) {
      for (const [partition, items] of itemsOf(seed, spec).entries()) {
        const all = [...items, { id: `${spec.name}-${partition}/last`, key: lastKey, at: lastTime, n: 0 }]
        const portions = setting.isBounded ? 1 : setting.portions
        const size = Math.ceil(all.length / portions)
        for (let portion = 0; portion < portions; portion++) {
          const some = all.slice(portion * size, (portion + 1) * size)
          const produce = (): void => this.#send(spec.name, partition, some)
          if (portion === 0) produce()
          else this.#clock.schedule((setting.produceMs * portion) / portions, produce)
        }
      }
    }
  }

  #send(topic: string, partition: number, items: readonly Item[]): void {
    const encoder = new TextEncoder()
    this.#kafka.produce(
      items.map((item) => ({
        topic,
        partition,
        key: encoder.encode(item.key),
        value: encoder.encode(JSON.stringify(item)),
        headers: [],
        timestamp: item.at,
      })),
    )
  }

  #add(): void {
    const name = `w${this.#machines.length}`
    const machine = new Machine(name, this.#around, this.#random.fork(`machine ${name}`))
    this.#machines.push(machine)
    machine.start()
  }

  #happen(happening: Happening): void {
    if (this.#isOver) return
    const { kind } = happening
    const about = 'who' in happening ? this.#chosen(happening.who) : undefined
    if ('who' in happening && about === undefined) return
    this.#count(kind)
    this.#say(`${about?.name ?? 'all'}: ${JSON.stringify(happening)}`)
    switch (happening.kind) {
      case 'kill':
        return this.#kill(about!, happening)
      case 'freeze':
        return this.#freeze(about!, happening.forMs)
      case 'cut':
        return this.#cut(about!, happening.forMs)
      case 'hit':
        return this.#hits.await(about!.process!, happening)
      case 'diskError':
        return about!.failDisk(happening.afterOperations)
      case 'outage':
        this.#kafka.stopBrokers()
        return void this.#clock.schedule(happening.forMs, () => this.#kafka.startBrokers())
      case 'slow':
        this.#kafka.slow(happening.latencyMs, happening.markMs)
        return void this.#clock.schedule(happening.forMs, () => this.#usualPace())
      case 'lostAnswer':
        return this.#kafka.loseCommit(about!.process!, happening.outcome)
      case 'add':
        return this.#add()
      case 'stop':
        about!.stop()
        return this.#back(about!, happening.backAfterMs)
      case 'compact':
        return this.#kafka.compact(changelogTopic(jobName), 'kept')
      case 'poison':
        this.#poisons++
    }
  }

  #reach(machine: Machine, point: string): number | 'fails' {
    const hit = this.#hits.at(machine.process!, point)
    if (hit === undefined || this.#isHealed) return 0
    this.#count(`hit ${hit.how}`)
    this.#say(`${machine.name}: ${hit.how} at '${point}'`)
    switch (hit.how) {
      case 'delay':
        return hit.forMs
      case 'fail':
        return 'fails'
      case 'poison':
        this.#poisoned = machine
        // So that a record fails in the middle of a checkpoint.
        return point === 'manifest' ? Math.min(hit.forMs, 500) : 0
      case 'freeze':
        this.#freeze(machine, hit.forMs)
        return 0
      case 'cut':
        this.#cut(machine, hit.forMs)
        return 0
      case 'kill':
        this.#kill(machine, hit)
        return 0
    }
  }

  #kill(machine: Machine, how: Omit<Extract<Happening, { kind: 'kill' }>, 'kind' | 'atMs' | 'who'>): void {
    machine.kill(how.disk, how.afterOperations, () => {
      this.#say(`${machine.name}: is dead`)
      this.#back(machine, how.backAfterMs)
    })
  }

  #freeze(machine: Machine, forMs: number): void {
    machine.freeze()
    this.#clock.schedule(forMs, () => machine.thaw())
  }

  #cut(machine: Machine, forMs: number): void {
    const process = machine.process!
    this.#kafka.disconnect(process)
    this.#clock.schedule(forMs, () => this.#reconnect(process))
  }

  /** A worker that runs and is not frozen. */
  #chosen(who: number): Machine | undefined {
    const able = this.#machines.filter(({ isRunning, isFrozen }) => isRunning && !isFrozen)
    return able[who % Math.max(1, able.length)]
  }

  /** Starts a worker again after a time, if the machine is free by then. */
  #back(machine: Machine, afterMs: number | undefined): void {
    if (afterMs !== undefined) this.#clock.schedule(afterMs, () => this.#isOver || machine.start())
  }

  #reconnect(process: string): void {
    if (this.#machines.some((machine) => machine.process === process)) this.#kafka.reconnect(process)
  }

  #usualPace(): void {
    const { latencyMs, markMs } = this.#scenario.setting
    this.#kafka.slow(latencyMs, markMs)
  }

  /** Ends all trouble. The job must be done some time afterwards. */
  #heal(): void {
    if (this.#problems.length > 0) return
    this.#say('all trouble ends')
    this.#poisons = 0
    this.#isHealed = true
    this.#kafka.startBrokers()
    this.#usualPace()
    for (const machine of this.#machines) {
      machine.heal()
      if (machine.process !== undefined) this.#kafka.reconnect(machine.process)
    }
    if (!this.#isOver && !this.#machines.some(({ isStaying }) => isStaying)) this.#add()
  }

  #meet(machine: Machine, item: Item): void {
    const isPoisoned = this.#poisons > 0 || this.#poisoned === machine
    if (!isPoisoned || this.#isHealed || item.key === lastKey) return
    if (this.#poisoned === machine) this.#poisoned = undefined
    else this.#poisons--
    throw new Error('this record fails once')
  }

  #observe(machine: Machine, event: WorkerEvent): void {
    if (event.kind !== 'job' && event.kind !== 'lease') this.#count(event.kind)
    if (event.kind === 'lease') {
      this.#count(`lease ${event.status.phase}`)
      this.#reach(machine, event.status.phase)
    }
    if (event.kind === 'job' && event.event.kind === 'checkpointCompleted') this.#count('checkpoints')
    if (this.#isVerbose) this.#say(`${machine.name}: ${eventText(event)}`)
  }

  #ended(machine: Machine, result: WorkerResult): void {
    this.#say(`${machine.name}: ended, ${result.outcome}`)
    this.#count(`worker ${result.outcome}`)
    if (result.outcome === 'finished') this.#isOver = true
    if (result.outcome !== 'failed') return
    if (machine.hasBadDisk) this.#back(machine, this.#scenario.setting.sessionMs)
    else this.#problem('failed', `${machine.name}: ${describeError(result.error)}`)
  }

  /** The results that readers of committed records get, by partition. */
  #rows(): readonly (readonly Row[])[] {
    const decoder = new TextDecoder()
    const topic = [0, 1, 2].map((partition) =>
      this.#kafka
        .records({ topic: outputTopic, partition })
        .map(({ value }) => JSON.parse(decoder.decode(value ?? undefined)) as Row),
    )
    return [...topic, this.#ledger.lines]
  }

  get #rowCount(): number {
    return [0, 1, 2].reduce(
      (sum, partition) => sum + this.#kafka.records({ topic: outputTopic, partition }).length,
      this.#ledger.lines.length,
    )
  }

  /** Lets time pass until something is so, for so long at most. True if it is, as far as that was looked at. */
  async #drive(ms: number, isSo: () => boolean, lookEveryMs = 200): Promise<boolean> {
    const end = this.#clock.monotonic() + ms
    let lookAt = 0
    for (;;) {
      await systemScheduler.turn()
      const now = this.#clock.monotonic()
      if (this.#problems.length > 0 || now >= lookAt) {
        if (isSo()) return true
        lookAt = now + lookEveryMs
      }
      const delay = this.#clock.nextDelay()
      if (delay === undefined || now + delay > end) {
        if (isSo()) return true
        await this.#clock.advance(end - now)
        return isSo()
      }
      this.#clock.fireNext()
      if (++this.#steps > stepsMax) {
        this.#problem('stuck', `after ${stepsMax} steps`)
        return true
      }
    }
  }

  #problem(kind: Problem['kind'], text: string): void {
    this.#problems.push({ kind, text })
    for (const machine of this.#machines) this.#say(machine.shown)
  }

  #count(what: string): void {
    this.#events[what] = (this.#events[what] ?? 0) + 1
  }

  #say(text: string): void {
    this.#log.push(`${this.#clock.monotonic().toFixed(1).padStart(10)} ${text}`)
  }
}

/** How long deliveries take: from each partition at a pace of its own, most of them soon. */
function unevenDeliveries(mostMs: number, random: Random): (of: TopicPartition) => number {
  const paces = new Map<string, number>()
  const each = random.fork('each')
  return ({ topic, partition }) => {
    if (mostMs === 0) return 0
    const name = `${topic}-${partition}`
    const pace = paces.get(name) ?? random.fork(name).next() ** 3
    paces.set(name, pace)
    return mostMs * pace * each.next()
  }
}

function eventText(event: WorkerEvent): string {
  if (event.kind === 'lease') {
    const { status } = event
    const more = status.phase === 'waiting' ? `: ${describeError(status.error)}` : ''
    return `lease ${event.lease} ${status.phase}${more}`
  }
  if (event.kind === 'job') return `job ${event.lease} ${event.event.kind}`
  return JSON.stringify(event)
}
