import { stdout } from 'node:process'
import { makeDurableDirectory, publishFile, readWhole, writeFully } from '@millrace/core'
import type { ConnectorContext, Fs, Json, Sink, SinkWriter } from '@millrace/core'
import { expect, test } from 'vitest'
import { firstFailure } from '../src/conformance/conformance-case.ts'
import { sinkConformance } from '../src/conformance/sink-conformance.ts'
import { directory, features, linesOf, PromptSink, StagedWriter, stagedSubject } from './staged-sink.ts'
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

async function commit(fs: Fs, committable: Staged): Promise<void> {
  await new StagedWriter(0, fs).commitAgain(committable)
}

async function clean(fs: Fs): Promise<void> {
  for (const { name } of await fs.list(directory)) {
    if (name.startsWith('staged-')) await fs.remove(`${directory}/${name}`)
  }
  await fs.syncDirectory(directory)
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

async function append(fs: Fs, path: string, bytes: Uint8Array): Promise<void> {
  const file = await fs.open(path, 'append')
  await writeFully(file, bytes, path)
  await file.sync()
  await file.close()
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
        await commit(writer.fs, { staged: name, final: name.replace('staged-', 'part-') })
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
  'what is pending is forgotten': bendOpen(async (_pending, { fs }) => {
    await makeDurableDirectory(fs, directory)
    await clean(fs)
  }),
  'only the first that is pending is committed': bendOpen(async (pending, { fs }) => {
    await makeDurableDirectory(fs, directory)
    for (const committable of pending.slice(0, 1)) await commit(fs, committable)
    await clean(fs)
  }),
  'leftovers are removed before what is pending is committed': bendOpen(async (pending, { fs }) => {
    await makeDurableDirectory(fs, directory)
    await clean(fs)
    for (const committable of pending) await commit(fs, committable)
  }),
  'leftovers stay': bendOpen(async (pending, { fs }) => {
    await makeDurableDirectory(fs, directory)
    for (const committable of pending) await commit(fs, committable)
  }),
  'leftovers are committed': bendOpen(async (pending, { fs }) => {
    await makeDurableDirectory(fs, directory)
    for (const committable of pending) await commit(fs, committable)
    for (const { name } of await fs.list(directory)) {
      if (name.startsWith('staged-'))
        await commit(fs, { staged: name, final: name.replace('staged-', 'part-') })
    }
  }),
  'the directory is not made durable': bendOpen(async (pending, { fs }) => {
    await fs.makeDirectory(directory)
    for (const committable of pending) await commit(fs, committable)
    await clean(fs)
  }),
  'a directory is trusted because a later sync has succeeded': bendOpen(async (pending, { fs }) => {
    await fs.makeDirectory(directory)
    await fs.syncDirectory('.')
    for (const committable of pending) await commit(fs, committable)
    await clean(fs)
  }),
  'a name is trusted because a later sync has succeeded': bendOpen(async (pending, { fs }) => {
    await makeDurableDirectory(fs, directory)
    for (const committable of pending) await new StagedWriter(0, fs).commit(committable)
    await clean(fs)
  }),
  'a restart trusts a commit that may not be durable': bendOpen(async (pending, { fs }) => {
    await makeDurableDirectory(fs, directory)
    for (const { staged, final } of pending) {
      if ((await fs.stat(`${directory}/${final}`)) !== undefined) continue
      await fs.rename(`${directory}/${staged}`, `${directory}/${final}`)
      await fs.syncDirectory(directory)
    }
    for (const { name } of await fs.list(directory)) {
      if (name.startsWith('staged-')) await fs.remove(`${directory}/${name}`)
    }
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
  'a timer stays set': bendWriter((_writer, { clock }) => {
    clock.schedule(60_000, () => {})
    return {}
  }),
  'a write waits for ever': bendWriter(() => ({ write: () => new Promise(() => {}) })),
}

/** Mistakes that matter even where a record may arrive twice. */
const weaker: Readonly<Record<string, (writer: Writer, context: ConnectorContext) => Partial<Writer>>> = {
  'prepare does not flush': (writer) => {
    let checkpoints = 0
    return {
      prepare: async (checkpoint) => (checkpoints++ % 2 === 0 ? writer.prepare(checkpoint) : undefined),
    }
  },
  'prepare does not wait': (writer) => ({
    prepare: (checkpoint) => {
      writer.prepare(checkpoint).catch(() => {})
      return Promise.resolve(undefined)
    },
  }),
  'the directory of the output is not synced': (_writer, { fs }) => {
    const lines: string[] = []
    return {
      write: ({ values, length }) => void lines.push(...values.slice(0, length)),
      prepare: (checkpoint) =>
        append(fs, `${directory}/part-${checkpoint}-${lines.length}`, linesOf(lines.splice(0))).then(
          () => undefined,
        ),
    }
  },
  'a failure is swallowed': (writer) => ({
    prepare: (checkpoint) => writer.prepare(checkpoint).catch(() => undefined),
  }),
}

function bendPrompt(change: (writer: Writer, context: ConnectorContext) => Partial<Writer>): Sink<string> {
  const sink = new PromptSink()
  return {
    kind: sink.kind,
    guarantee: sink.guarantee,
    async open(subtask, pending, context) {
      const writer = await sink.open(subtask, pending, context)
      return { ...writer, ...change(writer, context) }
    },
  }
}

test('every planted mistake in a sink is caught', async () => {
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
