import type { TopologyBug } from './planted-bug.ts'

/** Bugs in rarely drawn features of topologies: each shows only where the feature is drawn. */
export const additionBugs: readonly TopologyBug[] = [
  {
    name: 'the time of a split advances while it is idle',
    plant: {
      file: 'core/src/time/split-watermarks.ts',
      from: '    this.#merger.idle(split.input)\n',
      to: '    this.#merger.idle(split.input)\n    split.newest += 1_000\n',
    },
    seed: 5,
  },
  {
    name: 'processing timers are not restored',
    plant: { file: 'core/src/time/timer-queue.ts', from: '    yield* this.#processing.rebuild()\n', to: '' },
    seed: 342,
    feature: 'process with timers by the clock',
  },
  {
    name: 'a deleted processing timer fires',
    plant: {
      file: 'core/src/operator/operator-context.ts',
      from: 'else queue.delete(domain, time, name, token)',
      to: "else if (domain === 'event') queue.delete(domain, time, name, token)",
    },
    seed: 145,
  },
  {
    name: 'only the encoder of an aggregate codec is used',
    plant: {
      file: 'flow/src/window/accumulator-codec.ts',
      from: 'return aggregate.codec ?? structuredCodec()',
      to: 'return aggregate.codec === undefined ? structuredCodec() : { ...structuredCodec(), encode: aggregate.codec.encode }',
    },
    seed: 12,
  },
  {
    name: 'the slices of a window are merged in reverse order',
    plant: {
      file: 'flow/src/window/accumulators.ts',
      from: 'earlier[i] = aggregate.merge(earlier[i], later[i])',
      to: 'earlier[i] = aggregate.merge(later[i], earlier[i])',
    },
    seed: 5,
  },
  {
    name: 'windows that do not overlap are assumed to have one length',
    plant: {
      file: 'flow/src/window/slice-window-operator.ts',
      from: 'const slice = sliceAround(this.#assigner, time)\n',
      to: `const { end: start } = this.#slice
    const end = start + (start - this.#slice.start)
    const found = this.#assigner.slice(time)
    const isNext = time >= start && time < end && found.firstWindowEnd === found.lastWindowEnd
    const slice = isNext ? { start, end, firstWindowEnd: end, lastWindowEnd: end } : found
`,
    },
    seed: 5,
  },
  {
    name: 'a call times out too early',
    plant: {
      file: 'core/src/task/call-runner.ts',
      from: 'clock.schedule(timeoutMs, ',
      to: 'clock.schedule(1, ',
    },
    seed: 37,
  },
  {
    name: 'the third stream of a union is dropped',
    plant: {
      file: 'core/src/plan/plan.ts',
      from: 'readers.push({ node, input, exchange })',
      to: 'if (input < 2) readers.push({ node, input, exchange })',
    },
    seed: 85,
  },
  {
    name: 'the policy of a source is ignored',
    plant: {
      file: 'flow/src/pipeline.ts',
      from: "'from', { name, onError: options.onError })",
      to: "'from', { name })",
    },
    seed: 85,
  },
  {
    name: 'an event time that is not a finite number is accepted',
    plant: {
      file: 'core/src/task/stamp.ts',
      from: "if (typeof time !== 'number' || !Number.isFinite(time)) throw notATime(time)",
      to: "if (typeof time !== 'number') throw notATime(time)",
    },
    seed: 15,
  },
  {
    name: 'errors of the steps of a source are dropped',
    plant: {
      file: 'core/src/operator/chain-assembly.ts',
      from: "deadLetters: deadLetters ?? this.receiver(part.targets.get('errors') ?? [])",
      to: 'deadLetters: deadLetters ?? this.receiver([])',
    },
    seed: 85,
  },
  {
    name: 'a flatMap with dead letters emits part of its output when it throws',
    plant: {
      file: 'core/src/operator/failure-policy.ts',
      from: "return this.#kind !== 'fail'",
      to: "return this.#kind === 'skip'",
    },
    seed: 85,
  },
  {
    name: 'a failing key selector stops the job under any policy',
    plant: {
      file: 'core/src/task/async-task.ts',
      from: '      this.#policy.handle(thrown, this.#cursor, value, time)\n      edge.release(1)\n',
      to: '      throw thrown\n',
    },
    seed: 110,
  },
  {
    name: 'a list used as a key is decoded without its first element',
    plant: {
      file: 'core/src/record/key-token.ts',
      from: 'if (reader.position !== token.length) throw damaged()\n  return key',
      to: 'if (reader.position !== token.length) throw damaged()\n  return Array.isArray(key) ? key.slice(1) : key',
    },
    seed: 145,
  },
  {
    name: 'the decoder of a state codec is not used',
    plant: {
      file: 'flow/src/operators/state-spec.ts',
      from: '{ name, codec, ttl }, context)',
      to: '{ name, codec: { ...codec, decode: (input) => (input.varint() >> 1) as never }, ttl }, context)',
    },
    seed: 235,
    feature: 'process with codecs of its own',
  },
  {
    name: 'a split that has ended in one run is never read again, in drawn topologies',
    plant: {
      file: 'core/src/task/split-set.ts',
      from: 'const position = isFinal ? undefined : feed.position()',
      to: 'const position = undefined',
    },
    seed: 1,
  },
  {
    name: 'process sees the watermark of its opening',
    plant: {
      file: 'flow/src/operators/process.ts',
      from: '    this.watermark = () => context.watermark()\n',
      to: '    const opening = context.watermark()\n    this.watermark = () => opening\n',
    },
    seed: 325,
    feature: 'process that tells the watermark',
  },
  {
    name: 'emitAt on a side output loses its records',
    plant: {
      file: 'flow/src/operators/process.ts',
      from: 'names.map((name) => [name, context.output(name)])',
      to: 'names.map((name) => { const { emit } = context.output(name); return [name, { emit, emitAt: () => {} }] })',
    },
    seed: 25,
  },
  {
    name: 'a count without a function stops at 1',
    plant: { file: 'flow/src/window/count.ts', from: '(n) => n + 1', to: '() => 1' },
    seed: 105,
  },
  {
    name: 'an ignored value resets the sum',
    plant: {
      file: 'flow/src/window/sum.ts',
      from: 'if (term === undefined) return total\n',
      to: 'if (term === undefined) return 0n\n',
    },
    seed: 5,
  },
]
