import { memory } from '@millrace/connector-memory'
import { errorOutput, type GraphNode, type OperatorNode } from '@millrace/core/graph'
import { describe, expect, test } from 'vitest'
import { deadLetter, fail, skip } from './error-policy.ts'
import { output } from './operators/process.ts'
import { state } from './operators/state-spec.ts'
import { jobOptionsOf } from './job-options.ts'
import { isPipeline, pipeline, type Pipeline, type PipelineBuilder } from './pipeline.ts'
import { count } from './window/count.ts'
import { tumbling } from './window/tumbling.ts'

const source = memory.read({ only: [1, 2, 3] })
const sink = memory.write<unknown>()

function nodesOf(build: (p: PipelineBuilder) => void): readonly GraphNode[] {
  return pipeline('test', build).describe().graph.nodes
}

/** A graph as text: each node with its inputs. */
function shape(nodes: readonly GraphNode[]): string[] {
  return nodes.map((node) => {
    if (node.kind === 'source') return `${node.name}: source`
    const inputs = node.inputs.map(
      ({ from, output: name, exchange }) =>
        `${nodes[from]!.name}${name === 'main' ? '' : `.${name}`}${exchange.kind === 'key' ? ' by key' : ''}`,
    )
    const what = node.kind === 'operator' ? node.type : node.kind === 'step' ? node.step.kind : node.kind
    return `${node.name}: ${what} of ${inputs.join(' and ')}`
  })
}

const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

describe('a pipeline', () => {
  test('is built when it is described, not when it is created', () => {
    let runs = 0
    const made = pipeline('lazy', (p) => {
      runs++
      p.from('in', source).to('out', sink)
    })
    expect(runs).toBe(0)
    expect(made.describe().graph.name).toBe('lazy')
    made.describe()
    expect(runs).toBe(2)
    expect(isPipeline(made)).toBe(true)
    expect(isPipeline({ name: 'lazy', describe() {} })).toBe(false)
    expect(isPipeline(null)).toBe(false)
  })

  test('passes on its settings', () => {
    const settings = { checkpointEvery: '10s', parallelism: 2 }
    const made = pipeline('set', (p) => p.from('in', source).to('out', sink), settings)
    expect(made.describe().settings).toEqual(settings)
    expect(made.settings).toEqual(settings)
  })

  test('has budgets for the phases of a stop, which options override', () => {
    const made = pipeline('set', (p) => p.from('in', source).to('out', sink), { stop: { drain: '2s' } })
    expect(jobOptionsOf(made).stop).toEqual({ drain: 2_000 })
    expect(jobOptionsOf(made, { stop: { commit: 5, close: '1m' } }).stop).toEqual({
      commit: 5,
      close: 60_000,
    })
    expect(() => jobOptionsOf(made, { stop: { drian: '2s' } as never })).toThrow('did you mean drain?')
  })

  test('becomes a graph of named nodes, inputs first', () => {
    const nodes = nodesOf((p) => {
      const numbers = p.from('in', source).map((n) => n + 1)
      const timed = numbers.filter((n) => n > 0, { name: 'positive' }).withTimestamps({ timestamp: (n) => n })
      const more = p
        .from('more', source)
        .flatMap((n) => [n, n])
        .tap(() => {})
        .withTimestamps({ timestamp: (n) => n })
      const { big, rest } = timed.union(more).split('by-size', { big: (n) => n > 2 })
      const windows = big
        .keyBy((n) => n)
        .window(tumbling(10))
        .aggregate('figures', { n: count() })
      windows.to('figures-out', sink)
      windows.late.to('late-out', sink)
      rest.mapAsync('ask', async (n) => n).to('rest-out', sink)
    })
    expect(shape(nodes)).toEqual([
      'in: source',
      'map-1: map of in',
      'positive: filter of map-1',
      'withTimestamps-1: timestamps of positive',
      'more: source',
      'flatMap-1: flatMap of more',
      'tap-1: tap of flatMap-1',
      'withTimestamps-2: timestamps of tap-1',
      'union-1: pass of withTimestamps-1 and withTimestamps-2',
      'by-size: split of union-1',
      'figures: window of by-size.big by key',
      'figures-out: sink of figures',
      'late-out: sink of figures.late',
      'ask: async of by-size',
      'rest-out: sink of ask',
    ])
  })

  test('describes the state of its operators', () => {
    const nodes = nodesOf((p) => {
      const keyed = p
        .from('in', source)
        .withTimestamps({ timestamp: (n) => n })
        .keyBy((n) => n)
      keyed.reduce('sum', (a, b) => a + b).to('a', sink)
      keyed
        .scan(
          'list',
          () => 0,
          (n) => n + 1,
        )
        .to('b', sink)
      keyed
        .window(tumbling('1m'))
        .aggregate('figures', { n: count(), m: count() }, { allowedLateness: '5s' })
        .to('c', sink)
      const checked = keyed.process('check', {
        state: { last: state.value<number>(), all: state.list<number>() },
        outputs: { odd: output<number>() },
        onRecord() {},
      })
      checked.outputs.odd.to('d', sink)
    })
    const operators = nodes.filter((node): node is OperatorNode => node.kind === 'operator')
    expect(operators.map(({ name, outputs, keeps }) => ({ name, outputs, keeps }))).toEqual([
      { name: 'sum', outputs: [], keeps: 'one value of each key, never dropped' },
      { name: 'list', outputs: [], keeps: 'one value of each key, never dropped' },
      {
        name: 'figures',
        outputs: ['late'],
        keeps: 'n, m of each key and window until 5s after it has ended; tumbling windows of 1m',
      },
      { name: 'check', outputs: ['odd'], keeps: 'last, all of each key until cleared' },
    ])
  })

  test('applies the defaults of timestamps and of asynchronous calls', () => {
    const nodes = nodesOf((p) => {
      const timed = p
        .from('in', source)
        .withTimestamps({ timestamp: (n) => n, maxOutOfOrderness: '5s', idleAfter: '1m' })
      timed.mapAsync('a', async (n) => n).to('x', sink)
      timed
        .keyBy((n) => n)
        .mapAsync('b', async (n) => n, { concurrency: 2, timeout: '1s' })
        .to('y', sink)
    })
    expect(nodes[1]).toMatchObject({ timestamps: { maxOutOfOrdernessMs: 5000, idleAfterMs: 60_000 } })
    expect(nodes[2]).toMatchObject({ concurrency: 16, order: 'input', timeoutMs: undefined })
    expect(nodes[4]).toMatchObject({ concurrency: 2, order: 'key', timeoutMs: 1000 })
  })
})

describe('an invalid pipeline is rejected', () => {
  const refuses = (code: string, message: RegExp, build: (p: PipelineBuilder) => unknown) => {
    const made = pipeline('test', build)
    expect(() => made.describe()).toThrow(refusal(code, message))
  }

  test('without a source, or without a sink', () => {
    refuses('GRAPH_INVALID', /no source/, () => {})
    refuses('GRAPH_INVALID', /from 'in' does not end in a sink; end the stream with \.to/, (p) =>
      p.from('in', source),
    )
  })

  test('with a stream that does not end in a sink', () => {
    refuses('GRAPH_INVALID', /a map does not end in a sink/, (p) => {
      const numbers = p.from('in', source)
      numbers.to('out', sink)
      numbers.map((n) => n)
    })
    refuses('GRAPH_INVALID', /reduce 'sum' does not end in a sink/, (p) => {
      const numbers = p.from('in', source)
      numbers.to('out', sink)
      numbers.keyBy((n) => n).reduce('sum', (a) => a)
    })
  })

  test('with two parts of the same name', () => {
    refuses('NAME_TAKEN', /two parts named 'out': to and to/, (p) => {
      p.from('in', source).to('out', sink)
      p.from('more', source).to('out', sink)
    })
    refuses('NAME_TAKEN', /two parts named 'in': from and map/, (p) => {
      p.from('in', source)
        .map((n) => n, { name: 'in' })
        .to('out', sink)
    })
  })

  test('with an invalid name', () => {
    for (const name of ['', ' a', '../up', 'a/b', 'a\n', 'x'.repeat(101), undefined, 5]) {
      refuses('OPTION_INVALID', /name/, (p) => p.from('in', source).to(name as string, sink))
    }
    expect(() => pipeline('a/b', () => {}).describe()).toThrow(
      refusal('OPTION_INVALID', /name of a pipeline/),
    )
  })

  test('with timestamps after streams were mixed', () => {
    refuses('GRAPH_INVALID', /gives timestamps too late/, (p) => {
      const both = p.from('a', source).union(p.from('b', source))
      both.withTimestamps({ timestamp: (n) => n }).to('out', sink)
    })
  })

  test('with streams of two pipelines', () => {
    refuses('GRAPH_INVALID', /union joins streams of pipelines 'test' and 'other'/, (p) => {
      const mine = p.from('in', source)
      pipeline('other', (q) => mine.union(q.from('in', source)).to('out', sink)).describe()
    })
  })

  test('built late, or asynchronously', () => {
    let later: PipelineBuilder | undefined
    pipeline('test', (p) => {
      later = p
      p.from('in', source).to('out', sink)
    }).describe()
    expect(() => later!.from('more', source)).toThrow(refusal('GRAPH_INVALID', /from was called after/))
    refuses('GRAPH_INVALID', /asynchronous/, async () => {})
  })

  test('EN-013 with invalid options', () => {
    const timed = (p: PipelineBuilder) => p.from('in', source).withTimestamps({ timestamp: (n) => n })
    refuses('OPTION_INVALID', /^maxOutOfOrderness /, (p) =>
      p.from('in', source).withTimestamps({ timestamp: (n) => n, maxOutOfOrderness: -1 }),
    )
    refuses('OPTION_INVALID', /^allowedLateness of 'w' /, (p) =>
      timed(p)
        .keyBy((n) => n)
        .window(tumbling(5))
        .aggregate('w', {}, { allowedLateness: -1 }),
    )
    for (const concurrency of [0, 1.5, Number.NaN]) {
      refuses('OPTION_INVALID', /concurrency of 'ask'/, (p) =>
        timed(p)
          .mapAsync('ask', async (n) => n, { concurrency })
          .to('out', sink),
      )
    }
    refuses('OPTION_INVALID', /timeout of 'ask'/, (p) =>
      timed(p)
        .mapAsync('ask', async (n) => n, { timeout: 0 })
        .to('out', sink),
    )
  })

  test('with reserved output names', () => {
    for (const name of ['main', 'rest', 'errors', '__proto__']) {
      const outputs = Object.fromEntries([[name, () => true]])
      refuses('OPTION_INVALID', new RegExp(`^'s': .*'${name}'.*; choose another name$`), (p) =>
        p.from('in', source).split('s', outputs),
      )
    }
  })
})

describe('error policies', () => {
  const policies = (build: (p: PipelineBuilder) => void) =>
    nodesOf(build).map(({ name, onError }) => `${name}: ${onError.kind}`)

  test('stop the job unless the pipeline or the operator sets another', () => {
    expect(
      policies((p) => {
        const numbers = p.from('in', source).map((n) => n)
        numbers
          .map((n) => n, { onError: skip() })
          .union(numbers)
          .to('out', sink)
      }),
    ).toEqual(['in: fail', 'map-1: fail', 'map-2: skip', 'union-1: fail', 'out: fail'])
    expect(
      policies((p) => {
        p.from('in', source, { onError: fail() })
          .map((n) => n)
          .to('out', sink)
        p.onError(skip())
      }),
    ).toEqual(['in: fail', 'map-1: skip', 'out: skip'])
  })

  test('one dead-letter sink can serve many operators', () => {
    const rejected = deadLetter('rejected', sink)
    const nodes = nodesOf((p) => {
      p.onError(rejected)
      const numbers = p.from('in', source).map((n) => n)
      numbers.to('out', sink)
      numbers
        .filter(() => true, { onError: deadLetter('filtered', sink) })
        .to('more', sink, { onError: skip() })
      numbers.tap(() => {}, { onError: fail() }).to('rest', sink, { onError: fail() })
    })
    expect(shape(nodes).slice(-2)).toEqual([
      `rejected: sink of in.${errorOutput} and map-1.${errorOutput} and out.${errorOutput}`,
      `filtered: sink of filter-1.${errorOutput}`,
    ])
    expect(nodes.map(({ id }) => id)).toEqual(nodes.map((_, index) => index))
  })

  test('a dead-letter sink needs a unique name', () => {
    const build = (name: string, other: string) =>
      pipeline('test', (p) => {
        p.from('in', source, { onError: deadLetter(name, sink) })
          .map((n) => n, { onError: deadLetter(other, memory.write()) })
          .to('out', sink)
      })
    const taken = (made: Pipeline, message: RegExp) => {
      expect(() => made.describe()).toThrow(refusal('NAME_TAKEN', message))
    }
    taken(build('out', 'x'), /two parts named 'out': to and deadLetter/)
    taken(build('x', 'x'), /two dead-letter sinks named 'x'/)
  })
})

describe('parameters', () => {
  const made = pipeline('param', (p) => {
    const year = p.parameter('year', 2015)
    const path = p.parameter('path', { required: 'string' })
    const isDry = p.parameter('isDry', false)
    const name = `${year} ${path} ${isDry}`
    p.from('in', source)
      .map((n) => n, { name })
      .to('out', sink)
  })
  const nameOf = (values: Record<string, string | number | boolean>) =>
    made.describe(values).graph.nodes[1]!.name

  test('have their defaults or the given values, as text or typed', () => {
    expect(nameOf({ path: 'a' })).toBe('2015 a false')
    expect(nameOf({ path: '7', year: '2016', isDry: 'true' })).toBe('2016 7 true')
    expect(nameOf({ path: 'a', year: 2017, isDry: true })).toBe('2017 a true')
    expect(made.describe({ path: 'a', year: 2017 }).parameters).toEqual([
      { name: 'year', type: 'number', fallback: 2015, value: 2017 },
      { name: 'path', type: 'string', fallback: undefined, value: 'a' },
      { name: 'isDry', type: 'boolean', fallback: false, value: false },
    ])
  })

  test('are rejected when missing, misspelled or of another type', () => {
    const refuses = (values: Record<string, string | number | boolean>, message: RegExp) =>
      expect(() => made.describe(values)).toThrow(refusal('OPTION_INVALID', message))
    refuses({}, /needs parameter 'path', a string; give it with --parameter path=/)
    refuses({ pth: 'a' }, /needs parameter 'path'.*not used so far: 'pth'/)
    refuses(
      { path: 'a', yaer: 1 },
      /no parameter 'yaer'; it has year \(number\), path \(string\), isDry \(boolean\)/,
    )
    refuses({ path: 'a', ['__proto__']: 1 }, /no parameter '__proto__'/)
    refuses({ path: 5 }, /'path' .* is 5, which is not a string/)
    for (const year of ['', ' ', 'x', '1 2', Number.NaN, true]) refuses({ path: 'a', year }, /not a number/)
    for (const isDry of ['yes', '', 1]) refuses({ path: 'a', isDry }, /not a boolean; give true or false/)
  })

  test('are declared once', () => {
    const twice = pipeline('twice', (p) => {
      p.parameter('a', 1)
      p.parameter('a', 1)
    })
    expect(() => twice.describe()).toThrow(refusal('NAME_TAKEN', /declares parameter 'a' twice/))
  })
})
