import type { ConnectorContext, Sink, SinkWriter } from '@millrace/core/connector'
import { append, directory, linesOf, PromptSink } from './staged-sink.ts'

type Writer = SinkWriter<string>

/** Mistakes that matter even if a record may arrive twice. */
export const weaker: Readonly<
  Record<string, (writer: Writer, context: ConnectorContext) => Partial<Writer>>
> = {
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

export function bendPrompt(
  change: (writer: Writer, context: ConnectorContext) => Partial<Writer>,
): Sink<string> {
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
