/**
 * Bugs that a source, sink, store, file system or platform can have without breaking a type: each is a
 * wrapper around the real one.
 */
import type { Json } from '@millrace/core'
import type { Sink, Source, SplitReader } from '@millrace/core/connector'
import type { StateStore } from '@millrace/core/store'
import type { Fs } from '@millrace/core/disk'
import { TransientTable } from '@millrace/core/operator'
import { readWhole } from '@millrace/core/disk'
import type { Mistake } from './mistake.ts'
import { wrappedFs } from './wrapped-fs.ts'
import { wrappedStore } from './wrapped-store.ts'

/** Each with the trial that must catch it, and its message. */
export const mistakes: readonly Mistake[] = [
  {
    name: 'a source reports the position of the previous record',
    plant: { source: (source) => withReaders(source, oneBehind) },
    trial: 'a crash',
    near: /rename/,
    shows: /is duplicated|wrong line/,
  },
  {
    name: 'a source reports the position after a record that it has not returned yet',
    plant: { source: (source) => withReaders(source, oneAhead) },
    trial: 'a crash',
    near: /rename/,
    shows: /are lost|wrong line/,
  },
  {
    name: 'files are never synced',
    plant: { fs: unsyncedFiles },
    trial: 'a crash',
    near: /rename/,
    shows: /cannot be restored|is torn|line was removed/,
  },
  {
    name: 'directories are never synced',
    plant: { fs: (fs) => wrappedFs(fs, { syncDirectory: async () => {} }) },
    trial: 'a crash',
    near: /rename/,
    shows: /line was removed/,
  },
  {
    name: 'a short write is reported as complete',
    plant: { fs: shortWritesIgnored },
    trial: 'short writes',
    near: /7 bytes/,
    // Prepared output is the first data that is read again.
    shows: /staged-\S+: ends at byte 7, where a checkpoint has/,
  },
  {
    name: 'a rename copies and deletes',
    plant: { fs: copyingRename },
    trial: 'a crash',
    near: /rename/,
    shows: /cannot be restored|line was removed|torn/,
  },
  {
    name: 'the store reports a snapshot as durable before it is',
    plant: {
      store: (store) => withOptions(store, (options) => ({ ...options, fs: unsyncedFiles(options.fs) })),
    },
    trial: 'a crash',
    near: /rename/,
    shows: /cannot be restored/,
  },
  {
    name: 'the store forgets timers',
    plant: { store: withoutTimers },
    trial: 'a crash',
    near: /rename/,
    shows: /are lost|wrong line/,
  },
  {
    name: 'the store deletes files of the fallback checkpoint',
    plant: { store: releasingAllButNewest },
    trial: 'a crash',
    near: /rename/,
    shows: /cannot be restored/,
  },
  {
    name: 'a sink commits when it prepares',
    plant: { sink: committingEarly },
    trial: 'a crash',
    near: /rename/,
    shows: /line was removed|is truncated from|is removed/,
  },
  {
    name: 'a sink forgets prepared output at a restart',
    plant: {
      sink: (sink) => withOpen(sink, (open) => (subtask, _pending, context) => open(subtask, [], context)),
    },
    trial: 'a crash',
    near: /rename/,
    shows: /no checkpoint of this job has written it/,
  },
  {
    name: 'a sink prepares without a sync',
    plant: {
      sink: (sink) =>
        withOpen(
          sink,
          (open) => (subtask, pending, context) =>
            open(subtask, pending, { ...context, fs: unsyncedFiles(context.fs) }),
        ),
    },
    trial: 'a crash',
    near: /rename/,
    shows: /line was removed|is torn|where a checkpoint has/,
  },
  {
    name: 'the lock is always free',
    plant: { process: (facts) => ({ ...facts, fateOf: () => Promise.resolve('gone') }) },
    trial: 'a second process',
    near: /./,
    shows: /could start|failed with something else: FS_EXISTS/,
  },
]

function unsyncedFiles(fs: Fs): Fs {
  return wrappedFs(fs, { file: () => ({ sync: async () => {} }) })
}

function shortWritesIgnored(fs: Fs): Fs {
  return wrappedFs(fs, {
    file: (file) => ({
      write: async (bytes) => {
        await file.write(bytes)
        return bytes.length
      },
      writeAt: async (bytes, position) => {
        await file.writeAt(bytes, position)
        return bytes.length
      },
    }),
  })
}

function copyingRename(fs: Fs): Fs {
  return wrappedFs(fs, {
    rename: async (from, to) => {
      const target = await fs.open(to, 'append')
      await target.truncate(0)
      await target.write(await readWhole(fs, from))
      await target.sync()
      await target.close()
      await fs.remove(from)
    },
  })
}

function withReaders<T, P extends Json>(
  source: Source<T, P>,
  change: (reader: SplitReader<T, P>) => SplitReader<T, P>,
): Source<T, P> {
  return {
    kind: source.kind,
    durability: source.durability,
    discover: (context) => source.discover(context),
    open: async (split, from, context) => change(await source.open(split, from, context)),
  }
}

/** Returns one record at a time with its own position. */
function oneBehind<T, P extends Json>(reader: SplitReader<T, P>): SplitReader<T, P> {
  let before = reader.position()
  return {
    poll: () => {
      const here = reader.position()
      const poll = reader.poll(1)
      before = poll.kind === 'records' ? here : reader.position()
      return poll
    },
    position: () => before,
    ready: () => reader.ready(),
    close: () => reader.close(),
  }
}

/** Fetches one record more than it returns, and reports the position after that one. */
function oneAhead<T, P extends Json>(reader: SplitReader<T, P>): SplitReader<T, P> {
  let held: ReturnType<typeof reader.poll> | undefined
  return {
    poll: () => {
      const poll = held ?? reader.poll(1)
      held = poll.kind === 'records' ? reader.poll(1) : undefined
      if (held?.kind === 'pending') held = undefined
      return poll
    },
    position: () => reader.position(),
    ready: () => reader.ready(),
    close: () => reader.close(),
  }
}

function withOptions(
  store: StateStore,
  change: (options: Parameters<StateStore['open']>[0]) => Parameters<StateStore['open']>[0],
): StateStore {
  return { ...store, open: (options) => store.open(change(options)) }
}

function withoutTimers(store: StateStore): StateStore {
  return wrappedStore(store, (open) => ({
    table: (spec) => (spec.name === '#timers' ? new TransientTable() : open.table(spec)),
  }))
}

function releasingAllButNewest(store: StateStore): StateStore {
  return wrappedStore(store, (open) => ({ release: (retained) => open.release(retained.slice(0, 1)) }))
}

type Open<T, C extends Json> = Sink<T, C>['open']

function withOpen<T, C extends Json>(sink: Sink<T, C>, change: (open: Open<T, C>) => Open<T, C>): Sink<T, C> {
  const open: Open<T, C> = (subtask, pending, context) => sink.open(subtask, pending, context)
  return { kind: sink.kind, guarantee: sink.guarantee, open: change(open) }
}

function committingEarly<T, C extends Json>(sink: Sink<T, C>): Sink<T, C> {
  return withOpen(sink, (open) => async (subtask, pending, context) => {
    const writer = await open(subtask, pending, context)
    return {
      write: (batch, reject) => writer.write(batch, reject),
      prepare: async (checkpoint) => {
        const committable = await writer.prepare(checkpoint)
        if (committable !== undefined) await writer.commit?.(committable)
        return committable
      },
      commit: async () => {},
      close: () => writer.close(),
    }
  })
}
