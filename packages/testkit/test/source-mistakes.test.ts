import { stdout } from 'node:process'
import { MillraceError } from '@millrace/core'
import { readWhole } from '@millrace/core/disk'
import type { Json } from '@millrace/core'
import type { ConnectorContext, Poll, Source, SplitReader } from '@millrace/core/connector'
import type { Fs } from '@millrace/core/disk'
import { expect, test } from 'vitest'
import { firstFailure } from '../src/conformance/conformance-case.ts'
import { sourceConformance } from '../src/conformance/source-conformance.ts'
import { features, linesIn } from './line-source.ts'
import type { Bend, LineReader } from './line-source.ts'

type Reader = SplitReader<string>

/** The source, with its readers replaced. */
function bendReader(change: (reader: LineReader, context: ConnectorContext) => Partial<Reader>): Bend {
  return (source) => ({
    ...same(source),
    async open(split, from, context) {
      const reader = (await source.open(split, from as number, context)) as LineReader
      return { ...sameReader(reader), ...change(reader, context) }
    },
  })
}

function same(source: Source<string, number>): Source<string> {
  return {
    kind: source.kind,
    durability: source.durability,
    hasHeaders: true,
    discover: (context) => source.discover(context),
    open: async (split, from, context) => source.open(split, from as number, context),
  }
}

function sameReader(reader: LineReader): Reader & { acknowledge(position: Json): Promise<void> } {
  return {
    poll: (limit) => reader.poll(limit),
    ready: () => reader.ready(),
    position: () => reader.position(),
    acknowledge: (position) => reader.acknowledge(position as number),
    close: () => reader.close(),
  }
}

/** The source, with what its polls hand out replaced. */
function bendRecords(change: (poll: Extract<Poll<string>, { kind: 'records' }>) => Poll<string>): Bend {
  return bendReader((reader) => ({
    poll(limit) {
      const poll = reader.poll(limit)
      return poll.kind === 'records' ? change(poll) : poll
    },
  }))
}

/** The source, opened somewhere else than asked. */
function bendStart(change: (from: number | undefined, context: ConnectorContext) => number): Bend {
  return (source) => ({
    ...same(source),
    open: (split, from, context) => source.open(split, change(from as number | undefined, context), context),
  })
}

const never = new Promise<void>(() => {})
const remembered = new Map<string, number>()

const planted: Readonly<Record<string, Bend>> = {
  'the position is that of the last record': bendReader((reader) => ({
    position: () => Math.max(reader.position() - 1, 0),
  })),
  'the position skips a record': bendReader((reader) => ({ position: () => reader.position() + 1 })),
  'the position counts what was fetched ahead': bendReader((reader) => ({
    position: () => reader.next + reader.fetched.length,
  })),
  'the position counts records only, not failures': bendReader((reader) => {
    let failures = 0
    return {
      poll(limit) {
        const poll = reader.poll(limit)
        if (poll.kind === 'records') failures += poll.failures?.length ?? 0
        return poll
      },
      position: () => reader.position() - failures,
    }
  }),
  'the position before the first poll is missing': bendReader((reader) => ({
    position: () => (reader.next === 0 ? (undefined as unknown as Json) : reader.next),
  })),
  'the position throws at the end': bendReader((reader) => ({
    position() {
      if (reader.hasLooked && reader.fetched.length === 0) throw new MillraceError('SOURCE_FAILED', 'no next')
      return reader.position()
    },
  })),
  'the position does not survive JSON': bendReader((reader) => ({
    position: () => ({ next: reader.next, file: undefined }) as unknown as Json,
  })),
  'asking for the position moves it': bendReader((reader) => {
    let asked = 0
    return { position: () => reader.position() + asked++ }
  }),
  'the position is kept in the process': (source) => ({
    ...bendReader((reader) => {
      const names = new Map<string, number>()
      return {
        position() {
          const name = `${reader.split} ${reader.next}`
          names.set(name, reader.next)
          return name
        },
      }
    })(source),
  }),
  'a restart begins anew': bendStart(() => 0),
  'a restart continues where the last life had got to': (source) => ({
    ...same(source),
    async open(split, from, context) {
      const start = from === undefined ? 0 : (remembered.get(split) ?? (from as number))
      const reader = (await source.open(split, start, context)) as LineReader
      return {
        ...sameReader(reader),
        poll(limit) {
          const poll = reader.poll(limit)
          remembered.set(split, reader.next)
          return poll
        },
      }
    },
  }),
  'the end of a bounded input is forgotten': bendReader((reader, context) => ({
    poll(limit) {
      const poll = reader.poll(limit)
      return poll.kind === 'end' && context.isBounded ? { kind: 'pending', isCaughtUp: true } : poll
    },
    ready: () => (reader.hasLooked ? Promise.resolve() : reader.ready()),
  })),
  'the end is said once': bendReader((reader) => {
    let ends = 0
    return {
      poll(limit) {
        const poll = reader.poll(limit)
        return poll.kind === 'end' && ends++ > 0 ? { kind: 'pending', isCaughtUp: true } : poll
      },
    }
  }),
  'the end of a run is called final though more may be added': bendReader((reader) => ({
    poll(limit) {
      const poll = reader.poll(limit)
      return poll.kind === 'end' ? { kind: 'end', isFinal: true } : poll
    },
  })),
  'more splits are announced though the job is bounded': (source) => ({
    ...same(source),
    discover: async (context) => ({ ...(await source.discover(context)), isComplete: false }),
  }),
  'it says that its positions cannot be read again': (source) => ({
    ...same(source),
    durability: 'volatile',
  }),
  'a split is named twice': (source) => ({
    ...same(source),
    async discover(context) {
      const found = await source.discover(context)
      return { ...found, splits: [...found.splits, found.splits[0]!] }
    },
  }),
  'splits have other names in each life': (source) => {
    const suffix = String(remembered.set('lives', (remembered.get('lives') ?? 0) + 1).get('lives'))
    return {
      ...same(source),
      async discover(context) {
        const found = await source.discover(context)
        return { ...found, splits: found.splits.map((name) => name + suffix) }
      },
    }
  },
  'a poll hands out more than asked for': bendReader((reader) => ({
    poll: (limit) => reader.poll(limit + 1),
  })),
  'a poll hands out an empty batch': bendReader((reader) => ({
    poll(limit) {
      const poll = reader.poll(limit)
      return poll.kind === 'pending' ? { kind: 'records', values: [] } : poll
    },
  })),
  'a poll waits': bendReader((reader) => ({
    poll: (limit) => Promise.resolve(reader.poll(limit)) as unknown as Poll<string>,
  })),
  'a record is lost between batches': bendReader((reader) => ({
    poll(limit) {
      const poll = reader.poll(limit)
      if (poll.kind === 'records' && limit === 2) reader.fetched.shift()
      return poll
    },
  })),
  'a record comes twice': bendRecords((poll) => ({
    ...poll,
    values: poll.values.flatMap((value) => (value === 'due' ? [value, value] : [value])),
  })),
  'records change places': bendRecords((poll) => ({ ...poll, values: poll.values.toSorted() })),
  'caught up is said before anything was read': bendReader((reader) => ({
    poll(limit) {
      const poll = reader.poll(limit)
      return poll.kind === 'pending' ? { kind: 'pending', isCaughtUp: true } : poll
    },
  })),
  'ready never settles after close': bendReader((reader) => ({
    ready: () => (reader.hasLooked ? never : reader.ready()),
  })),
  'ready does not resolve when the reader is closed meanwhile': bendReader((reader) => {
    let isClosed = false
    return {
      ready: () => (isClosed ? Promise.resolve() : reader.ready().then(() => (isClosed ? never : undefined))),
      close() {
        isClosed = true
        return reader.close()
      },
    }
  }),
  'ready does not hear an abort': bendReader((reader, context) => ({
    ready: () => reader.ready().then(() => (context.signal.aborted ? never : undefined)),
  })),
  'ready does not notice what is added': bendReader((reader, context) => {
    const closed = new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve()))
    let close = (): void => {}
    const isClosed = new Promise<void>((resolve) => {
      close = resolve
    })
    return {
      ready: () =>
        reader.hasLooked && !context.isBounded ? Promise.race([closed, isClosed]) : reader.ready(),
      close() {
        close()
        return reader.close()
      },
    }
  }),
  'what is added comes with what was there before': bendReader((reader, context) => ({
    async ready() {
      if (reader.hasLooked && !context.isBounded) reader.next = 0
      await reader.ready()
    },
  })),
  'a file stays open': bendReader((reader, context) => ({
    async ready() {
      await context.fs.open(`in/${reader.split}`, 'read')
      await reader.ready()
    },
  })),
  'a timer stays set': bendReader((reader, context) => {
    context.clock.schedule(60_000, () => {})
    return { close: () => reader.close() }
  }),
  'acknowledging moves the reader': bendReader((reader) => ({
    acknowledge(position) {
      reader.next = position as number
      reader.fetched = []
      reader.hasLooked = false
      return Promise.resolve()
    },
  })),
  'acknowledging twice fails': bendReader(() => {
    let last = -1
    return {
      async acknowledge(position) {
        if ((position as number) <= last) throw new MillraceError('SOURCE_FAILED', 'acknowledged before')
        last = position as number
      },
    }
  }),
  'what was acknowledged is deleted, and one too many': bendReader((reader, context) => ({
    acknowledge: (position) => removeLine(context.fs, reader.split, position as number),
  })),
  'a failure has no place': bendRecords((poll) => ({
    ...poll,
    failures: poll.failures!.map((failure) => ({ ...failure, place: '' })),
  })),
  'a failure has no bytes': bendRecords((poll) => ({
    ...poll,
    failures: poll.failures!.map((failure) => ({ ...failure, raw: new Uint8Array(0) })),
  })),
  'a failure has no error': bendRecords((poll) => ({
    ...poll,
    failures: poll.failures!.map((failure) => ({ ...failure, error: undefined })),
  })),
  'a failure points behind the records': bendRecords((poll) => ({
    ...poll,
    failures: poll.failures!.map((failure) => ({ ...failure, index: failure.index + 1 })),
  })),
  'a failure is dropped': bendReader((reader) => ({
    poll(limit) {
      const poll = reader.poll(limit)
      if (poll.kind !== 'records') return poll
      const { values, origin } = poll
      return values.length > 0 ? { kind: 'records', values, origin: origin! } : reader.poll(limit)
    },
  })),
  'a record has the headers of the one before': bendRecords((poll) => ({
    ...poll,
    headers: [undefined, ...(poll.headers ?? [])],
  })),
  'a failure has no headers': bendRecords((poll) => ({
    ...poll,
    failures: poll.failures!.map((failure) => ({ ...failure, headers: undefined })),
  })),
  'it has headers, and does not say so': (source) => ({ ...same(source), hasHeaders: false }),
  'an origin names another split': bendRecords((poll) => ({
    ...poll,
    origin: { ...poll.origin!, split: 'other' },
  })),
  'all records have one place': bendRecords((poll) => ({
    ...poll,
    origin: { ...poll.origin!, place: () => 'here' },
  })),
}

async function removeLine(fs: Fs, split: string, at: number): Promise<void> {
  const lines = new TextDecoder().decode(await readWhole(fs, `in/${split}`)).split('\n')
  lines[at] = '!gone'
  const file = await fs.open(`in/${split}`, 'append')
  await file.truncate(0)
  await file.write(new TextEncoder().encode(lines.join('\n')))
  await file.close()
}

test('the source kit detects every planted mistake', async () => {
  const missed: string[] = []
  for (const [name, bend] of Object.entries(planted)) {
    remembered.clear()
    const cases = sourceConformance({ create: (fs) => linesIn(fs, bend), features })
    if ((await firstFailure(cases)) === undefined) missed.push(name)
  }
  const count = Object.keys(planted).length
  stdout.write(`sources: caught ${count - missed.length}/${count}\n`)
  expect(missed).toEqual([])
})
