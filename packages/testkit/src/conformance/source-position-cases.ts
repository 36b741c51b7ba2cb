import type { Json } from '@millrace/core'
import type { SplitReader } from '@millrace/core/connector'
import { check, checkEqual } from './check.ts'
import { recordsIn } from './source-life.ts'
import type { SourceItem, SourceLife } from './source-life.ts'
import type { SourceTrial } from './source-trial.ts'

// What a position means, in this life and the next.

export async function asking<T>(trial: SourceTrial<T>): Promise<void> {
  const life = trial.live()
  const readers = await life.openAll()
  for (const [split, reader] of readers) {
    const items: SourceItem[] = []
    for (let fresh: readonly SourceItem[] | undefined; fresh?.length !== 0; items.push(...fresh)) {
      await checkPosition(life, reader)
      fresh = await life.read(reader, 1, 1)
    }
    checkEqual(recordsIn(items), trial.expected(split), `the records of ${split}`)
    await checkPosition(life, reader)
  }
  life.abort()
  for (const reader of readers.values()) await checkPosition(life, reader)
  await life.close()
}

export async function beginning<T>(trial: SourceTrial<T>): Promise<void> {
  const all = await trial.readOnce()
  const life = trial.live()
  const positions = new Map<string, Json>()
  for (const [split, reader] of await life.openAll()) positions.set(split, reader.position())
  await life.close()
  for (const [split, position] of positions) await trial.checkResumes(all, split, position, 0)
}

/** Reads `limit` items at a time, and opens every position it passes. */
export function afterEach(limit: number): <T>(trial: SourceTrial<T>) => Promise<void> {
  return async (trial) => {
    const all = await trial.readOnce()
    const life = trial.live()
    const positions: (readonly [split: string, position: Json, read: number])[] = []
    for (const [split, reader] of await life.openAll()) {
      const count = all.get(split)!.length
      for (let read = 0; read < count;) {
        const fresh = await life.read(reader, limit, 1)
        check(fresh.length > 0, `${split} brought ${read} of ${count} items`)
        read += fresh.length
        positions.push([split, reader.position(), read])
      }
    }
    await life.close()
    for (const [split, position, read] of positions) await trial.checkResumes(all, split, position, read)
  }
}

export async function atEnd<T>(trial: SourceTrial<T>): Promise<void> {
  const positions = new Map<string, Json>()
  const life = trial.live()
  for (const [split, reader] of await life.openAll()) {
    await life.read(reader, 10)
    positions.set(split, reader.position())
  }
  await life.close()
  for (const isBounded of trial.features.ends ? [true, false] : [false]) {
    const next = trial.live(isBounded)
    for (const [split, position] of positions) {
      const reader = await next.open(split, position)
      checkEqual(await next.read(reader, 10), [], `what ${split} has after its end`)
      if (isBounded) await next.readToEnd(reader)
    }
    await next.close()
  }
}

export async function acknowledging<T>(trial: SourceTrial<T>): Promise<void> {
  const life = trial.live()
  for (const [split, reader] of await life.openAll()) {
    check(reader.acknowledge !== undefined, 'there is no acknowledge, but the feature is on')
    const first = reader.position()
    const items = [...(await life.read(reader, 1, 1))]
    const second = reader.position()
    for (const position of [first, second, second, first]) {
      await life.settled(reader.acknowledge(position), 'acknowledge does not settle')
    }
    items.push(...(await life.read(reader, 10)))
    checkEqual(recordsIn(items), trial.expected(split), `the records of ${split}`)
    const all = new Map([[split, items]])
    if (trial.features.durability === 'replayable') await trial.checkResumes(all, split, second, 1)
  }
  await life.close()
}

async function checkPosition<T>(life: SourceLife<T>, reader: SplitReader<T>): Promise<void> {
  const position = reader.position()
  check(position !== undefined, 'the position is undefined')
  checkEqual(JSON.parse(JSON.stringify(position)), position, 'a position that has passed through JSON')
  await life.quiet()
  checkEqual(reader.position(), position, 'the position asked for again without a poll')
}
