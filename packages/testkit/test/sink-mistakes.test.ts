import { stdout } from 'node:process'
import {
  makeDurableDirectory,
  publishFile,
  readWhole,
  removeTemporaries,
  writeFully,
} from '@millrace/core/disk'
import type { Json } from '@millrace/core'
import type { ConnectorContext, Sink, SinkWriter } from '@millrace/core/connector'
import type { Fs } from '@millrace/core/disk'
import { expect, test } from 'vitest'
import { firstFailure } from '../src/conformance/conformance-case.ts'
import { sinkConformance } from '../src/conformance/sink-conformance.ts'
import {
  append,
  directory,
  features,
  linesOf,
  removeStaged,
  StagedWriter,
  stagedSubject,
} from './staged-sink.ts'
import { bendPrompt, weaker } from './prompt-sink-mistakes.ts'
import type { SinkBend, Staged } from './staged-sink.ts'

type Writer = SinkWriter<string>

/** The sink, with its writers replaced. */
function bendWriter(change: (writer: StagedWriter, context: ConnectorContext) => Partial<Writer>): SinkBend {
  return (sink) => ({
    ...same(sink),
    async open(subtask, pending, context) {
      const writer = (await sink.open(subtask, pending as Staged[], context)) as StagedWriter
      return { ...sameWriter(writer), ...change(writer, context) }
    },
  })
}

function same(sink: Sink<string, Staged>): Sink<string> {
  return {
    kind: sink.kind,
    guarantee: sink.guarantee,
    open: async (subtask, pending, context) => sink.open(subtask, pending as Staged[], context),
  }
}

function sameWriter(writer: StagedWriter): Writer & { commit(committable: Json): Promise<void> } {
  return {
    write: (batch, reject) => writer.write(batch, reject),
    prepare: (checkpoint) => writer.prepare(checkpoint),
    commit: (committable) => writer.commit(committable as Staged),
    close: () => writer.close(),
  }
}

/** The sink, with what happens when it is opened replaced. */
function bendOpen(open: (pending: readonly Staged[], context: ConnectorContext) => Promise<void>): SinkBend {
  return (sink) => ({
    ...same(sink),
    async open(subtask, pending, context) {
      if (subtask === 0) await open(pending as Staged[], context)
      // Subtask 1 neither commits nor cleans up, and writes under its own name.
      const writer = (await sink.open(subtask + 1, [], context)) as StagedWriter
      return sameWriter(writer)
    },
  })
}

/** Makes the directory, as a start does. */
async function begin({ fs, owner }: ConnectorContext): Promise<void> {
  await makeDurableDirectory(fs, directory)
  await removeTemporaries(fs, directory, owner)
}

async function commit(context: ConnectorContext, committable: Staged): Promise<void> {
  await new StagedWriter(0, context).commitAgain(committable)
}

/** Stages what a writer holds, by a way of writing a file that is not `publishFile`. */
function bendStaging(stage: (fs: Fs, path: string, bytes: Uint8Array) => Promise<void>): SinkBend {
  return bendWriter((writer) => ({
    async prepare(checkpoint) {
      if (writer.lines.length === 0) return undefined
      const names = writer.names(checkpoint)
      const bytes = linesOf(writer.lines)
      writer.lines = []
      await stage(writer.fs, `${directory}/${names.staged}`, bytes)
      return names
    },
  }))
}

const inMemory = new Map<string, readonly string[]>()

const planted: Readonly<Record<string, SinkBend>> = {
  'the guarantee is another': (sink) => ({ ...same(sink), guarantee: 'at-least-once' }),
  'what lies behind the length of a batch is written': bendWriter((writer) => ({
    write(batch) {
      writer.lines.push(...batch.values)
    },
  })),
  'the last batch before a barrier is forgotten': bendWriter((writer) => {
    let last: readonly string[] = []
    return {
      write(batch) {
        writer.lines.push(...last)
        last = batch.values.slice(0, batch.length)
      },
    }
  }),
  'a record that cannot be written is counted, and not those before it': bendWriter((writer) => ({
    write: (batch, reject) =>
      writer.write(batch, (index, error) => reject(index === 0 ? 0 : index - 1, error)),
  })),
  'the rest of a batch behind a record that cannot be written is left out': bendWriter((writer) => ({
    write(batch, reject) {
      const bad = batch.values.findIndex((line) => line.includes('\n'))
      writer.write(bad < 0 ? batch : { ...batch, length: Math.min(bad + 1, batch.length) }, reject)
    },
  })),
  'what of a record can be written is written': bendWriter((writer) => ({
    write: (batch, reject) =>
      writer.write(batch, (index, error) => {
        writer.lines.push(batch.values[index]!.split('\n')[0]!)
        reject(index, error)
      }),
  })),
  'a record that cannot be written is left out in silence': bendWriter((writer) => ({
    write: (batch) => writer.write(batch, () => {}),
  })),
  'prepare makes visible': bendWriter((writer) => ({
    async prepare(checkpoint) {
      const committable = await writer.prepare(checkpoint)
      if (committable !== undefined) await writer.commit(committable)
      return committable
    },
  })),
  'write makes visible': bendWriter((writer) => ({
    async write(batch, reject) {
      writer.write(batch, reject)
      await append(writer.fs, `${directory}/part-0`, linesOf(writer.lines))
      writer.lines = []
    },
  })),
  'close makes visible': bendWriter((writer) => ({
    async close() {
      const rest = await writer.prepare(999)
      if (rest !== undefined) await writer.commit(rest)
    },
  })),
  'a commit appends, each time it is asked': bendWriter((writer) => {
    const seen = new Map<string, Uint8Array>()
    return {
      async commit(committable) {
        const { staged } = committable as Staged
        const path = `${directory}/${staged}`
        const bytes = seen.get(staged) ?? (await readWhole(writer.fs, path))
        seen.set(staged, bytes)
        await append(writer.fs, `${directory}/part-0`, bytes)
      },
    }
  }),
  'a second commit fails': bendWriter((writer) => ({
    async commit(committable) {
      const { staged, final } = committable as Staged
      await writer.fs.rename(`${directory}/${staged}`, `${directory}/${final}`)
      await writer.fs.syncDirectory(directory)
    },
  })),
  'a commit takes whatever is staged along': bendWriter((writer) => ({
    async commit() {
      for (const { name } of await writer.fs.list(directory)) {
        if (!name.startsWith('staged-')) continue
        await commit(writer.context, { staged: name, final: name.replace(/^staged-\d+-/, 'part-') })
      }
      await writer.fs.syncDirectory(directory)
    },
  })),
  'a checkpoint stages over the one before': bendWriter((writer) => ({
    prepare: () => writer.prepare(1),
  })),
  'subtasks share a name': bendWriter((writer) => {
    Object.assign(writer, { subtask: 0 })
    return {}
  }),
  'prepare with nothing written fails': bendWriter((writer) => ({
    async prepare(checkpoint) {
      if (writer.lines.length === 0) throw new Error('nothing to prepare')
      return writer.prepare(checkpoint)
    },
  })),
  'a committable does not survive JSON': bendWriter((writer) => ({
    prepare: async (checkpoint) =>
      ({ ...(await writer.prepare(checkpoint)), at: undefined }) as unknown as Json,
  })),
  'a committable names what only this process has': bendWriter((writer) => {
    const staged = new Map<string, Staged>()
    return {
      async prepare(checkpoint) {
        const committable = await writer.prepare(checkpoint)
        if (committable === undefined) return undefined
        staged.set(committable.staged, committable)
        return committable.staged
      },
      async commit(committable) {
        await writer.commit(staged.get(committable as string)!)
      },
    }
  }),
  'prepared lines stay in memory': bendWriter((writer, context) => ({
    prepare(checkpoint) {
      const names = writer.names(checkpoint)
      inMemory.set(`${names.staged} ${context.fs === writer.fs}`, writer.lines)
      const lines = writer.lines
      writer.lines = []
      return Promise.resolve({ ...names, lines: lines.length })
    },
    async commit(committable) {
      const { staged, final } = committable as Staged
      const lines = inMemory.get(`${staged} true`) ?? []
      inMemory.delete(`${staged} true`)
      if (lines.length > 0) await publishFile(writer.fs, directory, final, linesOf(lines))
    },
  })),
  'what is pending is forgotten': bendOpen(async (_pending, context) => {
    await begin(context)
    await removeStaged(context)
  }),
  'only the first that is pending is committed': bendOpen(async (pending, context) => {
    await begin(context)
    for (const committable of pending.slice(0, 1)) await commit(context, committable)
    await removeStaged(context)
  }),
  'leftovers are removed before what is pending is committed': bendOpen(async (pending, context) => {
    await begin(context)
    await removeStaged(context)
    for (const committable of pending) await commit(context, committable)
  }),
  'leftovers stay': bendOpen(async (pending, context) => {
    await begin(context)
    for (const committable of pending) await commit(context, committable)
  }),
  'leftovers are committed': bendOpen(async (pending, context) => {
    await begin(context)
    for (const committable of pending) await commit(context, committable)
    for (const { name } of await context.fs.list(directory)) {
      if (name.startsWith('staged-'))
        await commit(context, { staged: name, final: name.replace(/^staged-\d+-/, 'part-') })
    }
  }),
  'the directory is not made durable': bendOpen(async (pending, context) => {
    await context.fs.makeDirectory(directory)
    for (const committable of pending) await commit(context, committable)
    await removeStaged(context)
  }),
  'a directory is trusted because a later sync has succeeded': bendOpen(async (pending, context) => {
    await context.fs.makeDirectory(directory)
    await context.fs.syncDirectory('.')
    for (const committable of pending) await commit(context, committable)
    await removeStaged(context)
  }),
  'a name is trusted because a later sync has succeeded': bendOpen(async (pending, context) => {
    await begin(context)
    for (const committable of pending) await new StagedWriter(0, context).commit(committable)
    await removeStaged(context)
  }),
  'a restart trusts a commit that may not be durable': bendOpen(async (pending, context) => {
    await begin(context)
    const { fs } = context
    for (const { staged, final } of pending) {
      if ((await fs.stat(`${directory}/${final}`)) !== undefined) continue
      await fs.rename(`${directory}/${staged}`, `${directory}/${final}`)
      await fs.syncDirectory(directory)
    }
    await removeStaged(context)
  }),
  'the staged file is not synced': bendStaging(async (fs, path, bytes) => {
    const file = await fs.open(path, 'create')
    await writeFully(file, bytes, path)
    await file.close()
    await fs.syncDirectory(directory)
  }),
  'the name of the staged file is not synced': bendStaging(append),
  'the staged file is not waited for': bendStaging((fs, path, bytes) => {
    append(fs, path, bytes)
      .then(() => fs.syncDirectory(directory))
      .catch(() => {})
    return Promise.resolve()
  }),
  'a short write counts as whole': bendStaging(async (fs, path, bytes) => {
    const file = await fs.open(path, 'create')
    await file.write(bytes)
    await file.sync()
    await file.close()
    await fs.syncDirectory(directory)
  }),
  'a failed sync is overlooked': bendStaging(async (fs, path, bytes) => {
    const file = await fs.open(path, 'create')
    await writeFully(file, bytes, path)
    await file.sync().catch(() => {})
    await file.close()
    await fs.syncDirectory(directory)
  }),
  'a failed sync is tried again': bendStaging(async (fs, path, bytes) => {
    const file = await fs.open(path, 'create')
    await writeFully(file, bytes, path)
    await file.sync().catch(() => file.sync())
    await file.close()
    await fs.syncDirectory(directory)
  }),
  'a failed write is overlooked': bendStaging(async (fs, path, bytes) => {
    const file = await fs.open(path, 'create')
    await writeFully(file, bytes, path).catch(() => {})
    await file.sync()
    await file.close()
    await fs.syncDirectory(directory)
  }),
  'the commit is not made durable': bendWriter((writer) => ({
    async commit(committable) {
      const { staged, final } = committable as Staged
      if ((await writer.fs.stat(`${directory}/${staged}`)) === undefined) return
      await writer.fs.rename(`${directory}/${staged}`, `${directory}/${final}`)
    },
  })),
  'a file stays open': bendStaging(async (fs, path, bytes) => {
    const file = await fs.open(path, 'create')
    await writeFully(file, bytes, path)
    await file.sync()
    await fs.syncDirectory(directory)
  }),
  'a process that was replaced removes what its successor has staged': bendOpen(async (pending, context) => {
    await begin(context)
    for (const committable of pending) await commit(context, committable)
    await removeStaged({ ...context, owner: { ...context.owner, epoch: Infinity } })
  }),
  'a process that was replaced stages over what its successor has staged': bendWriter((writer, context) => ({
    async prepare(checkpoint) {
      if (writer.lines.length === 0) return undefined
      const { final } = writer.names(checkpoint)
      const bytes = linesOf(writer.lines)
      writer.lines = []
      await publishFile(context.fs, directory, `staged-1-${final.slice(5)}`, bytes)
      return { staged: `staged-1-${final.slice(5)}`, final }
    },
  })),
  'a timer stays set': bendWriter((_writer, { clock }) => {
    clock.schedule(60_000, () => {})
    return {}
  }),
  'a write never settles': bendWriter(() => ({ write: () => new Promise(() => {}) })),
}

test('the sink kit detects every planted mistake', async () => {
  const missed: string[] = []
  for (const [name, bend] of Object.entries(planted)) {
    inMemory.clear()
    const cases = sinkConformance({
      create: async () => stagedSubject(bend),
      features,
      unwritable: () => '1\n2',
    })
    if ((await firstFailure(cases)) === undefined) missed.push(name)
  }
  for (const [name, change] of Object.entries(weaker)) {
    const cases = sinkConformance({
      create: async () => ({ ...stagedSubject(), sink: () => bendPrompt(change) }),
      features: { ...features, guarantee: 'at-least-once' },
    })
    if ((await firstFailure(cases)) === undefined) missed.push(name)
  }
  const count = Object.keys(planted).length + Object.keys(weaker).length
  stdout.write(`sinks: caught ${count - missed.length}/${count}\n`)
  expect(missed).toEqual([])
})
