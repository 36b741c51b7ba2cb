import { setTimeout as realSleep } from 'node:timers/promises'
import { Channel, Scope, select, WaitGroup } from '@millrace/channels'
import { sleep, systemClock, systemRandom, systemScheduler } from '@millrace/world'
import { expect, test } from 'vitest'
import { simulateTasks } from './simulate-tasks.ts'
import type { SimulateTasksOptions, TaskWorld } from './simulate-tasks.ts'
import { OutsideWait, SimDeadlock } from './standstill.ts'
import { LeftOverTasks, TaskSimulationFailure } from './task-failures.ts'

/** What a simulation that has to fail fails with. */
async function failureOf(
  run: (world: TaskWorld) => Promise<void>,
  options?: SimulateTasksOptions,
): Promise<TaskSimulationFailure> {
  const outcome: unknown = await simulateTasks(run, options).catch((error: unknown) => error)
  expect(outcome).toBeInstanceOf(TaskSimulationFailure)
  return outcome as TaskSimulationFailure
}

/** An update that is lost when another one comes between its read and its write. */
async function lostUpdate({ scheduler }: TaskWorld): Promise<void> {
  let count = 0
  const group = new WaitGroup()
  for (let n = 0; n < 2; n++) {
    void group.go(async () => {
      const read = count
      await scheduler.turn()
      count = read + 1
    })
  }
  await group.wait()
  expect(count).toBe(2)
}

test('a failure names its seed, and that seed alone fails in the same way', async () => {
  const failure = await failureOf(lostUpdate)
  expect(failure.message).toMatch(/^seed \d+ fails after \d+ steps \(.*\): expected 1 to be 2/)
  expect(failure.message).toContain(`Run it alone with { seed: ${failure.seed} }.`)
  const again = await failureOf(lostUpdate, { seed: failure.seed })
  expect(again.message).toBe(failure.message)
})

test('the last steps and a deadlock name each task, by its name or its number', async () => {
  const failure = await failureOf(
    async () => {
      const jobs = new Channel<number>(0, 'jobs')
      await using scope = new Scope(undefined, 'house')
      scope.go(() => jobs.send(1), 'baker')
      scope.go(() => jobs.send(2))
      for (let n = 0; n < 2; n++) await jobs.receive()
      await scope.wait()
      await jobs.receive()
    },
    { seed: 0 },
  )
  const steps = failure.message.split('The last steps:\n')[1]!.split('\n')
  expect(steps.toSorted()).toEqual([
    '  "baker": send',
    '  "task 1": send',
    '  main: WaitGroup.wait',
    '  main: receive',
    '  main: receive',
  ])
})

test('different seeds try different schedules', async () => {
  const { seeds, schedules, steps } = await simulateTasks(async () => {
    const channel = new Channel<number>(1)
    await using scope = new Scope()
    for (let i = 0; i < 3; i++) {
      scope.go(async () => {
        for (let n = 0; n < 3; n++) await channel.send(n)
      })
    }
    for (let n = 0; n < 9; n++) await channel.receive()
    await scope.wait()
  })
  expect(seeds).toBe(100)
  expect(schedules).toBeGreaterThan(70)
  expect(steps).toBeGreaterThan(1_800)
})

test('a bug that needs one task to overtake another six times is found', async () => {
  const failure = await failureOf(
    async () => {
      const [slow, fast] = [new Channel<number>(10), new Channel<number>(10)]
      let hasSlowBegun = false
      await using scope = new Scope()
      scope.go(async () => {
        await slow.send(1)
        hasSlowBegun = true
      })
      scope.go(async () => {
        for (let n = 0; n < 6; n++) await fast.send(n)
        expect(hasSlowBegun).toBe(true)
      })
      await scope.wait()
    },
    { seeds: 50 },
  )
  expect(failure.message).toContain('expected false to be true')
})

test('GO-073 GO-169 a deadlock fails with which task waits on what, since when and where', async () => {
  const failure = await failureOf(async ({ clock }) => {
    const [left, right] = [new Channel<string>(0, 'left'), new Channel<string>(0, 'right')]
    await using scope = new Scope(undefined, 'table')
    scope.go(async (signal) => {
      await left.receive(signal)
      await right.send('fork', signal)
    }, 'Ada')
    scope.go(async (signal) => {
      await sleep(clock, 30)
      await right.receive(signal)
      await left.send('fork', signal)
    }, 'Bob')
    await scope.wait()
  })
  expect(failure.cause).toBeInstanceOf(SimDeadlock)
  expect(failure.message).toContain('all tasks are asleep')
  expect(failure.message).toMatch(
    /"Ada", started at \S+simulate-tasks\.test\.ts:\d+\n {2}receive on channel "left"/,
  )
  expect(failure.message).toMatch(
    /"Bob".*\n {2}receive on channel "right" \(0 of 0, made at \S+\) since 0 ms, at \S+/,
  )
})

test('GO-171 tasks that still wait when the test has ended fail it', async () => {
  const leave = async (): Promise<void> => {
    void new Channel<number>(0, 'forgotten').receive()
  }
  const failure = await failureOf(leave)
  expect(failure.cause).toBeInstanceOf(LeftOverTasks)
  expect(failure.message).toContain('receive on channel "forgotten"')
  await simulateTasks(leave, { mayLeaveTasks: true })
})

test('a wait with an aborted signal, which never begins, is not left over', async () => {
  await simulateTasks(async ({ clock }) => {
    await expect(sleep(clock, 5, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
  })
})

test('GO-171 a task that can end without time passing is waited for', async () => {
  let ended = 0
  await simulateTasks(
    async ({ scheduler }) => {
      const channel = new Channel<number>()
      void channel.receive().then(() => ended++)
      void scheduler.turn().then(() => channel.send(1))
    },
    { seeds: 20 },
  )
  expect(ended).toBe(20)
})

test('GO-168 settle resumes when every other task is blocked, and time has not passed', async () => {
  await simulateTasks(async ({ clock, scheduler, settle }) => {
    const steps: string[] = []
    await using scope = new Scope()
    scope.go(async (signal) => {
      for (let n = 0; n < 5; n++) await scheduler.turn()
      steps.push('blocked')
      await sleep(clock, 10, signal)
      steps.push('woken')
    })
    const before = clock.monotonic()
    await settle()
    expect(steps).toEqual(['blocked'])
    expect(clock.monotonic()).toBe(before)
  })
})

test('GO-172 sleep and settle resume after everything else that is due at the same instant', async () => {
  await simulateTasks(async ({ clock, settle }) => {
    let done = 0
    await using scope = new Scope()
    for (let n = 0; n < 3; n++) {
      scope.go(async () => {
        await sleep(clock, 5)
        await sleep(clock, 0)
        done++
      })
    }
    await sleep(clock, 5)
    await settle()
    expect([done, clock.monotonic()]).toEqual([3, 5])
  })
})

test('several settling tasks resume one after another', async () => {
  await simulateTasks(async ({ settle }) => {
    const order: number[] = []
    await using scope = new Scope()
    for (let n = 0; n < 3; n++) {
      scope.go(async () => {
        await settle()
        order.push(n)
      })
    }
    await scope.wait()
    expect(order).toEqual([0, 1, 2])
  })
})

test('GO-170 a wait for the real world is reported as such, and not as a deadlock', async () => {
  const failure = await failureOf(() =>
    realSleep(20_000, undefined, { ref: true, signal: AbortSignal.timeout(100) }),
  )
  expect(failure.cause).toBeInstanceOf(OutsideWait)
  expect((failure.cause as OutsideWait).outside).toContain('Timeout')
  expect(failure.message).toContain('outside of it there is work under way: Timeout')
})

test('a select in a simulation is chosen by the seed', async () => {
  const chosen = new Set<string>()
  const choose = async (): Promise<void> => {
    const channel = new Channel<number>()
    channel.close()
    const cases = { a: channel.receiveCase(), b: channel.receiveCase() }
    let choices = ''
    for (let n = 0; n < 20; n++) choices += (await select(cases)).case
    chosen.add(choices)
  }
  await simulateTasks(choose, { seed: 4 })
  await simulateTasks(choose, { seed: 4 })
  expect(chosen.size).toBe(1)
  await simulateTasks(choose, { seed: 5 })
  expect(chosen.size).toBe(2)
})

test("in a simulation the system's clock, randomness and scheduler are those of the simulated world", async () => {
  const drawn = new Set<string>()
  const run = async ({ clock, scheduler }: TaskWorld): Promise<void> => {
    let turns = 0
    await using scope = new Scope()
    scope.go(async () => {
      for (; turns < 5; turns++) await scheduler.turn()
    })
    await systemScheduler.turn()
    expect(turns).toBe(5)
    await sleep(systemClock, 3_600_000)
    expect([systemClock.now(), systemClock.monotonic()]).toEqual([clock.now(), 3_600_000])
    drawn.add(`${systemRandom.next()} ${systemRandom.int(1_000)}`)
  }
  await simulateTasks(run, { seed: 1, twice: true })
  expect(drawn.size).toBe(1)
  await simulateTasks(run, { seed: 2 })
  expect(drawn.size).toBe(2)
})

test('a run that depends on more than the seed is reported', async () => {
  let runs = 0
  const failure = await failureOf(
    async ({ scheduler }) => {
      runs++
      for (let n = 0; n < runs; n++) await scheduler.turn()
    },
    { twice: true },
  )
  expect(failure.message).toContain(
    'step 2 ("main: settled", then "main: turn") was not the same the second time',
  )
  expect(failure.message).toContain('something besides the seed has a part in it')
  await simulateTasks(({ scheduler }) => scheduler.turn(), { twice: true })
})

test('no scheduling policy starves a task: two polling tasks finish', async () => {
  await simulateTasks(async ({ scheduler }) => {
    const flags = [false, false]
    await using scope = new Scope()
    for (const i of [0, 1]) {
      scope.go(async () => {
        flags[i] = true
        while (!flags[1 - i]) await scheduler.turn()
      })
    }
    await scope.wait()
  })
})

test('the wait for a whole scope is shown with its line, at any depth of the stack', async () => {
  const { message } = await failureOf(async () => {
    const never = new Channel<number>()
    await using scope = new Scope()
    scope.go(async () => void (await never.receive()))
    await scope.wait()
  })
  expect(message).toMatch(/WaitGroup\.wait since 0 ms, at \S*simulate-tasks\.test\.ts:\d+/)
  expect(message).not.toContain('an unknown place')
})
