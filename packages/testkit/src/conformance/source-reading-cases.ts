import { isMillraceError } from '@millrace/core'
import { check, checkEqual } from './check.ts'
import { checkOrigin, recordsIn, recordsOf } from './source-life.ts'
import type { SourceTrial } from './source-trial.ts'

// What a source hands out, in one life.

export async function splitNames<T>(trial: SourceTrial<T>): Promise<void> {
  checkEqual(trial.subject.source().durability, trial.features.durability, 'the durability')
  const expected = [...trial.subject.splits.keys()].sort()
  for (const life of [trial.live(), trial.live()]) {
    for (let again = 0; again < 2; again++) {
      const found = await life.settled(life.source.discover(life.context), 'discover does not settle')
      checkEqual(found.splits.toSorted(), expected, 'the list of splits')
    }
    await life.close()
  }
}

export async function readsAll<T>(trial: SourceTrial<T>, limit: number): Promise<void> {
  const life = trial.live()
  for (const [split, reader] of await life.openAll()) {
    const items = await life.read(reader, limit)
    const records = recordsIn(items)
    checkEqual(records, trial.expected(split), `the records of ${split}`)
    checkEqual(items.length - records.length, trial.subject.failures?.get(split) ?? 0, `failures in ${split}`)
  }
  await life.close()
}

export async function origins<T>(trial: SourceTrial<T>): Promise<void> {
  const life = trial.live()
  for (const [split, reader] of await life.openAll()) {
    let poll = reader.poll(3)
    while (poll.kind === 'records' || (poll.kind === 'pending' && !poll.isCaughtUp)) {
      checkOrigin(poll, split, life.context)
      if (poll.kind === 'pending') await life.settled(reader.ready(), 'ready does not resolve')
      poll = reader.poll(3)
    }
  }
  await life.close()
}

export async function readyAfterClose<T>(trial: SourceTrial<T>): Promise<void> {
  const life = trial.live(false)
  const readers = await life.openAll()
  for (const reader of readers.values()) await life.read(reader, 10)
  const waits = Array.from(readers.values(), (reader) => reader.ready())
  await life.close()
  for (const wait of waits) await life.settled(wait, 'ready, asked before close, does not resolve after it')
  for (const reader of readers.values()) {
    await life.settled(reader.ready(), 'ready, asked after close, does not resolve')
  }
}

export async function abort<T>(trial: SourceTrial<T>): Promise<void> {
  const life = trial.live(false)
  const readers = await life.openAll()
  for (const reader of readers.values()) await life.read(reader, 10)
  const waits = Array.from(readers.values(), (reader) => reader.ready())
  life.abort()
  waits.push(...Array.from(readers.values(), (reader) => reader.ready()))
  // A wait may reject: what matters is that it settles.
  for (const wait of waits) {
    await life.settled(
      wait.catch(() => {}),
      'ready does not settle after an abort',
    )
  }
  const asked = life.source.discover(life.context).catch(() => {})
  await life.settled(asked, 'discover does not settle after an abort')
  await life.close()
}

export async function release<T>(trial: SourceTrial<T>): Promise<void> {
  for (const isRead of [false, true]) {
    const life = trial.live(false)
    const readers = await life.openAll()
    if (isRead) for (const reader of readers.values()) await life.read(reader, 1, 2)
    const waits = Array.from(readers.values(), (reader) => reader.ready())
    await life.close()
    await life.settled(Promise.allSettled(waits), 'ready does not settle after close')
    await life.quiet()
    life.checkReleased()
  }
}

export async function ending<T>(trial: SourceTrial<T>): Promise<void> {
  const life = trial.live(true)
  const found = await life.settled(life.source.discover(life.context), 'discover does not settle')
  check(found.isComplete, 'discover says that more splits may come though the job is bounded')
  for (const [split, reader] of await life.openAll()) {
    await life.readToEnd(reader)
    for (let again = 0; again < 3; again++) checkEqual(reader.poll(5).kind, 'end', `a poll of ${split}`)
  }
  await life.close()
}

export async function alternating<T>(trial: SourceTrial<T>): Promise<void> {
  check(trial.subject.splits.size > 1, 'the subject has one split, but the feature severalSplits is on')
  const life = trial.live()
  const readers = await life.openAll()
  const found = new Map<string, unknown[]>(Array.from(readers.keys(), (split) => [split, []]))
  for (let isOver = false; !isOver;) {
    isOver = true
    for (const [split, reader] of readers) {
      const fresh = await life.read(reader, 1, 1)
      found.get(split)!.push(...recordsIn(fresh))
      if (fresh.length > 0) isOver = false
    }
  }
  for (const [split, records] of found) checkEqual(records, trial.expected(split), `the records of ${split}`)
  await life.close()
}

export async function failures<T>(trial: SourceTrial<T>): Promise<void> {
  let count = 0
  for (const items of (await trial.readOnce()).values()) {
    for (const item of items) {
      if ('record' in item) continue
      count++
      check(item.raw instanceof Uint8Array && item.raw.length > 0, 'a failure comes without its bytes')
      check(item.place !== '', 'a failure comes without its place')
      check(item.error instanceof Error || isMillraceError(item.error), 'a failure comes without an error')
    }
  }
  const expected = [...(trial.subject.failures?.values() ?? [])].reduce((sum, each) => sum + each, 0)
  check(expected > 0, 'the subject has no failures, but the feature is on')
  checkEqual(count, expected, 'the number of failures')
}

export async function headers<T>(trial: SourceTrial<T>): Promise<void> {
  const { headers: expected } = trial.subject
  for (const limit of [1, 3, 1_000]) {
    const life = trial.live()
    const { hasHeaders = false } = life.source
    checkEqual(
      hasHeaders,
      expected !== undefined,
      'hasHeaders, where the subject has headers if this is true,',
    )
    for (const [split, reader] of await life.openAll()) {
      const items = await life.read(reader, limit)
      const found = items.map((item) => item.headers)
      const none = items.map(() => undefined)
      checkEqual(found, expected?.get(split) ?? none, `the headers in ${split}, ${limit} at a time,`)
    }
    await life.close()
  }
}

export async function growing<T>(trial: SourceTrial<T>): Promise<void> {
  const { subject } = trial
  const { more } = subject
  check(subject.append !== undefined && more !== undefined, 'to grow, the subject needs append and more')
  const split = [...subject.splits.keys()][0]!
  const life = trial.live(false)
  const reader = (await life.openAll()).get(split)!
  await life.read(reader, 10)
  const before = reader.position()
  const woken = reader.ready()
  await life.quiet()
  await subject.append(split, more)
  await life.settled(woken, 'ready does not resolve though something was added')
  const added = recordsOf(subject, more)
  checkEqual(await trial.readRecords(life, reader, more.length), added, 'what was added')
  await life.close()
  if (trial.features.durability !== 'replayable') return
  const next = trial.live(false)
  const again = await next.open(split, before)
  checkEqual(await trial.readRecords(next, again, more.length), added, 'what follows the position')
  await next.close()
}

export async function growingBetweenRuns<T>(trial: SourceTrial<T>): Promise<void> {
  const { subject } = trial
  const { more } = subject
  check(subject.append !== undefined && more !== undefined, 'to grow, the subject needs append and more')
  const split = [...subject.splits.keys()][0]!
  const life = trial.live(true)
  const reader = (await life.openAll()).get(split)!
  const isFinal = await life.readToEnd(reader)
  check(!isFinal, 'a split to which something is added later has ended for good')
  const end = reader.position()
  await life.close()
  await subject.append(split, more)
  const next = trial.live(true)
  const added = recordsIn(await next.read(await next.open(split, end), 10))
  checkEqual(added, recordsOf(subject, more), 'what the next run reads')
  await next.close()
}
