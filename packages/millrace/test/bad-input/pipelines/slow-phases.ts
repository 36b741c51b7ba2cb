import { once } from 'node:events'
import { writeSync } from 'node:fs'
import process from 'node:process'
import { files } from '@millrace/connector-files'
import { generator } from '@millrace/connector-generator'
import { output, pipeline, state, type Codec, type Json, type Pipeline, type Sink } from 'millrace'

/**
 * Counts how often each number occurs. The phase named by `slow` prints when it begins and lasts until
 * SIGTERM.
 */
const program: Pipeline = pipeline(
  'slow-phases',
  (p) => {
    const out = p.parameter('out', { required: 'string' })
    const slow = p.parameter('slow', 'none')
    const rate = p.parameter('rate', 50)
    p.from('numbers', generator.generate({ seed: 1, count: 600, rate, make: ({ index }) => index }))
      .keyBy((n) => n % 50)
      .process('seen', {
        output: output<{ n: number; seen: number }>(),
        state: { seen: state.value({ codec: codec(slow === 'restore') }) },
        onRecord({ value: n }, { state: { seen }, emit }) {
          const now = (seen.get() ?? 0) + 1
          seen.set(now)
          emit({ n, seen: now })
        },
      })
      .to('file', slowly(slow, files.writeNdjson(`${out}/seen.ndjson`)))
  },
  { checkpointEvery: '100ms' },
)

/** A value that is slow to restore from a checkpoint. */
function codec(isSlow: boolean): Codec<number> {
  let isSaid = false
  return {
    id: 'seen',
    version: 1,
    encode: (value, bytes) => bytes.float64(value),
    decode: (bytes) => {
      if (isSlow) {
        if (!isSaid) say('restore')
        isSaid = true
        const until = performance.now() + 10
        while (performance.now() < until);
      }
      return bytes.float64()
    },
  }
}

function slowly<T, C extends Json>(phase: string, sink: Sink<T, C>): Sink<T, C> {
  let isOver = false
  const begin = async (name: string): Promise<void> => {
    if (name !== phase || isOver) return
    say(name)
    // Waiting for a signal alone does not keep a process alive.
    const alive = setInterval(() => {}, 1_000)
    await once(process, 'SIGTERM')
    clearInterval(alive)
    isOver = true
  }
  return {
    kind: sink.kind,
    guarantee: sink.guarantee,
    open: async (subtask, pending, context) => {
      await begin('open')
      const writer = await sink.open(subtask, pending, context)
      return {
        write: (batch, reject) => writer.write(batch, reject),
        prepare: async (checkpoint) => {
          await begin('prepare')
          return writer.prepare(checkpoint)
        },
        commit: async (committable) => {
          await begin('commit')
          await writer.commit?.(committable)
        },
        close: () => writer.close(),
      }
    },
  }
}

/** Written synchronously, since the event loop may be blocked next. */
function say(phase: string): void {
  writeSync(1, `in ${phase}\n`)
}

export default program
