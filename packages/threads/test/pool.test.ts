import { Channel, parallelMap, Scope } from '@millrace/channels'
import { ManualClock } from '@millrace/world'
import { spawnSync } from 'node:child_process'
import process from 'node:process'
import { afterAll, describe, expect, test } from 'vitest'
import { pool } from '../src/pool/pool.ts'
import { WorkerCrashError } from '../src/pool/worker-crash-error.ts'
import { testPool } from './test-pool.ts'
import { gate, passed, refused, upTo } from './probe.ts'

/** For tests that leave its workers as they were. */
const shared = testPool({ size: 2 })
afterAll(() => shared.close())

describe('a pool', () => {
  test('runs sync and async functions of a TypeScript module', async () => {
    await using workers = testPool({ execArgv: ['--conditions=@millrace/source'] })
    expect(await workers.run('double', 21)).toBe(42)
    expect(await workers.run('doubleLater', 4)).toBe(8)
    expect(await Promise.all(upTo(20).map((n) => workers.run('double', n)))).toEqual(
      upTo(20).map((n) => n * 2),
    )
  })

  test('starts in a process with V8 options, and lets it end once it is closed', () => {
    const file = JSON.stringify(new URL('./worker.ts', import.meta.url))
    const program = `
      import { pool } from '@millrace/threads'
      const workers = pool(new URL(${file}), { size: 1 })
      console.log(await workers.run("double", 2))
      await workers.close()`
    const options = ['--expose-gc', '--import', 'tsx', '--conditions=@millrace/source', '--input-type=module']
    const { stdout, status } = spawnSync(process.execPath, [...options, '--eval', program], {
      encoding: 'utf8',
    })
    expect([stdout, status]).toEqual(['4\n', 0])
  })

  test('accepts only functions of one argument, by type', () => {
    const check = (workers: ReturnType<typeof testPool>): unknown => [
      // @ts-expect-error -- not a function
      workers.run('notAFunction', 1),
      // @ts-expect-error -- not exported
      workers.run('nothing', 1),
      // @ts-expect-error -- the argument is a number
      workers.run('double', '1'),
      // @ts-expect-error -- the result is a number
      workers.run('doubleLater', 1) satisfies Promise<string>,
    ]
    expect(check).toBeDefined()
  })

  test.each([0, -1, 1.5, NaN])('size %d is rejected', (size) => {
    expect(() => testPool({ size })).toThrow(RangeError)
  })

  test('rejects a module that is not a URL before anything starts, with advice', () => {
    // @ts-expect-error -- the types reject it, too
    expect(() => pool('./worker.ts')).toThrow(
      new TypeError(
        'pool: the module is "./worker.ts"; pass its address: new URL("./worker.ts", import.meta.url)',
      ),
    )
  })

  test('runs as many calls in parallel as it has workers', async () => {
    const workers = shared
    const [word, controller] = [gate(), new AbortController()]
    const calls = upTo(3).map(() => workers.run('untilAborted', word, controller.signal))
    const ends = calls.map((call) => refused(call, 'enough'))
    await passed(word, 2)
    controller.abort(new Error('enough'))
    await Promise.all(ends)
    expect(Atomics.load(word, 0)).toBe(2)
    expect(await workers.run('double', 1)).toBe(2)
  })

  test('maps a channel in order', async () => {
    await using scope = new Scope()
    const input = new Channel<number>(3)
    scope.go(async (signal) => {
      for (const n of upTo(50)) await input.send(n, signal)
      input.close()
    })
    const doubled: number[] = []
    for await (const n of parallelMap(scope, input, 4, shared.fn('double'))) doubled.push(n)
    expect(doubled).toEqual(upTo(50).map((n) => n * 2))
  })
})

describe('an error in a worker', () => {
  test('arrives with its class, name, fields, cause and stack', async () => {
    const workers = shared
    const error = await workers.run('fail', 'error').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'OrderError', message: 'no such order', order: 7 })
    expect((error as Error).cause).toMatchObject({ message: 'the shelf is empty' })
    expect((error as Error).stack).toMatch(/fail[^]*worker\.ts/)
    await expect(workers.run('fail', 'type')).rejects.toThrow(TypeError)
    await expect(workers.run('fail', 'value')).rejects.toBe('{"odd":true}')
    expect(await workers.run('double', 1)).toBe(2)
  })

  test('that concerns cloning names the function', async () => {
    const workers = shared
    const argument = (() => 1) as unknown as number
    await expect(workers.run('double', argument)).rejects.toThrow("the argument of 'double' cannot be sent")
    await expect(workers.run('returnFunction', undefined)).rejects.toThrow(
      "the result of 'returnFunction' cannot",
    )
    expect(await workers.run('double', 1)).toBe(2)
  })
})

describe('a worker that ends', () => {
  test.each([
    ['exit', 'with exit code 7'],
    ['throw', 'by an uncaught error (uncaught on purpose)'],
    ['memory', 'because it ran out of memory'],
  ] as const)('by %s rejects its call, and another worker replaces it', async (how, why) => {
    // New objects must be promoted step by step: too many at once would make V8 end the process before Node
    // ends the thread.
    const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2 }
    await using workers = testPool({ resourceLimits })
    const error: unknown = await workers.run('end', how).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(WorkerCrashError)
    expect((error as Error).message).toContain(`${why}`)
    expect((error as Error).message).toMatch(/worker thread \d+ of .*worker\.ts ended .* while it ran 'end'/)
    expect(await workers.run('double', 1)).toBe(2)
  })

  test('fails the scope that owns the call, which cancels the other tasks', async () => {
    await using workers = testPool({ size: 2 })
    const word = gate()
    const scope = new Scope()
    scope.go(async (signal) => void (await workers.run('untilAborted', word, signal)))
    scope.go(async (signal) => {
      await passed(word)
      await workers.run('end', 'exit', signal)
    })
    await expect(scope.wait()).rejects.toThrow(WorkerCrashError)
    expect(scope.errors).toHaveLength(1)
  })

  test('between two calls is reported by the next', async () => {
    await using workers = testPool()
    await workers.run('throwLater', undefined)
    let error: unknown
    while (error === undefined) await workers.run('double', 1).catch((thrown: unknown) => (error = thrown))
    // The next call was already running, or comes later: the crash is reported in both cases.
    expect(String((error as Error).message)).toContain('after the call')
  })

  test('between the last call and the close is reported by the close', async () => {
    const ended = new Promise((resolve) => {
      process.once('worker', (worker) => worker.once('exit', resolve))
    })
    const workers = testPool()
    await workers.run('throwLater', undefined)
    await ended
    await expect(workers.close()).rejects.toThrow('had nothing to run')
  })

  test.each([
    ['./no-such-file.ts', /no-such-file/],
    ['./broken-worker.ts', /this module does not load/],
  ])('while it loads %s rejects all calls', async (file, message) => {
    const workers = pool<{ double: (n: number) => number }>(new URL(file, import.meta.url), { size: 2 })
    const calls = [workers.run('double', 1), workers.run('double', 2)]
    await Promise.all(calls.map((call) => refused(call, message)))
    await expect(workers.run('double', 3)).rejects.toThrow('loaded the module')
    await workers.close()
  })
})

describe('an abort', () => {
  test('removes a waiting call, and aborts the signal of a running one', async () => {
    await using workers = testPool()
    const [word, first, second] = [gate(), new AbortController(), new AbortController()]
    const running = refused(workers.run('untilAborted', word, first.signal), 'first')
    const inLine = refused(workers.run('double', 1, second.signal), 'second')
    await passed(word)
    second.abort(new Error('second'))
    await inLine
    first.abort(new Error('first'))
    await running
    expect(await workers.run('double', 2)).toBe(4)
    await expect(workers.run('double', 1, first.signal)).rejects.toThrow('first')
  })
})

describe('a function that does not return after an abort', () => {
  test('is killed when the grace is over, and another worker takes the next call', async () => {
    await using workers = testPool({ graceMs: 0 })
    for (let round = 0; round < 3; round++) {
      const [word, controller] = [gate(), new AbortController()]
      const call = refused(workers.run('spinFrom', word, controller.signal), 'too long')
      await passed(word)
      const next = workers.run('double', round)
      controller.abort(new Error('too long'))
      await call
      expect(await next).toBe(2 * round)
    }
  })

  test('keeps its worker when it returns within the grace', async () => {
    const clock = new ManualClock()
    await using workers = testPool({ graceMs: 1_000, clock })
    const [word, controller] = [gate(), new AbortController()]
    const call = refused(workers.run('untilAborted', word, controller.signal), 'enough')
    await passed(word)
    controller.abort(new Error('enough'))
    await call
    expect(await workers.run('double', 2)).toBe(4)
    expect(clock.pending).toBe(0)
  })
})

describe('closing', () => {
  test('rejects waiting calls, waits for functions that end in time, and kills the others', async () => {
    const workers = testPool({ size: 2, graceMs: 50 })
    const word = gate()
    const calls = [
      workers.run('untilAborted', word),
      workers.run('end', 'spin'),
      workers.run('double', 1),
    ].map((call) => refused(call, 'was closed'))
    await passed(word)
    await workers.close()
    await Promise.all(calls)
    await expect(workers.run('double', 1)).rejects.toThrow('was closed')
  })

  test('twice at the same time ends both as soon as nothing runs', async () => {
    const workers = testPool({ graceMs: 1_000, clock: new ManualClock() })
    const word = gate()
    const call = refused(workers.run('untilAborted', word), 'was closed')
    await passed(word)
    await Promise.all([workers.close(), workers.close(), call])
  })

  test('right after the start leaves nothing behind', async () => {
    await testPool({ size: 2 }).close()
  })
})
