/** An operator whose state expires, for tests. */
import { memory } from '@millrace/connector-memory'
import type { OperatorNode } from '@millrace/core/graph'
import { operatorHarness, type OperatorHarness } from '@millrace/testkit'
import { output } from '../src/operators/process.ts'
import { state } from '../src/operators/state-spec.ts'
import type { StateTtlOptions } from '../src/operators/ttl.ts'
import { pipeline } from '../src/pipeline.ts'
import type { TimedKeyedStream } from '../src/stream.ts'

/** What a record does with the state of its key, in order; `fail` throws. */
export interface Step {
  readonly key: string
  readonly steps: readonly (
    | readonly [write: 'set' | 'add' | 'put' | 'replace', value: number, ttl?: number]
    | readonly ['get' | 'list' | 'map' | 'size' | 'clear' | 'clearAll' | 'fail']
    | readonly ['drop', number]
  )[]
}

/** The node of an operator of steps. */
export function operatorOf(build: (steps: TimedKeyedStream<Step, string>) => { to(...to: never[]): void }) {
  const { graph } = pipeline('test', (p) => {
    const keyed = p
      .from('in', memory.read<Step>({}))
      .withTimestamps({ timestamp: () => 0 })
      .keyBy(({ key }) => key)
    build(keyed).to(...(['out', memory.write()] as never[]))
  }).describe()
  return graph.nodes.find((node): node is OperatorNode => node.kind === 'operator')!
}

/** An operator with a value, a list and a map, which does what its records say and emits what they ask for. */
export function probe(ttl: StateTtlOptions): OperatorHarness<Step> {
  const { create } = operatorOf((keyed) =>
    keyed.process('probe', {
      output: output<unknown>(),
      state: {
        one: state.value<number>({ ttl }),
        list: state.list<number>({ ttl }),
        map: state.map<number, number>({ ttl }),
        other: state.value<number>({ ttl }),
      },
      onRecord({ value }, { state: { one, list, map }, emit }) {
        for (const [what, n = 0, own] of value.steps) {
          const options = own === undefined ? undefined : { ttl: own }
          if (what === 'set') one.set(n, options)
          if (what === 'add') list.add(n, options)
          if (what === 'replace') list.set([n, n + 1], options)
          if (what === 'put') map.set(n % 3, n, options)
          if (what === 'drop') map.delete(n % 3)
          if (what === 'get') emit(one.get() ?? 'none')
          if (what === 'list') emit(list.get())
          if (what === 'map') emit([...map.entries()])
          if (what === 'size') emit(map.size)
          if (what === 'clear') one.set(undefined as never)
          if (what === 'clearAll') for (const each of [one, list, map]) each.clear()
          if (what === 'fail') throw new Error('failed')
        }
      },
      onTimer() {},
      onEnd({ key }, { emit }) {
        emit(`end ${key}`)
      },
    }),
  )
  return operatorHarness<Step>(create, { keyBy: ({ key }) => key, onError: 'skip' })
}
