import type { GraphEdge, GraphOperator, GraphTask, JobGraph } from '@millrace/control/contract'

/** A made-up pipeline: its graph, and how many splits its sources have together. */
export interface MadeUpPipeline {
  readonly graph: JobGraph
  readonly splits: number
  /** The task that is busy, and what waits for it. */
  readonly bottleneck: string | undefined
  /** What splits, keys, records, log lines and messages are made of. */
  readonly text: string
}

type Part = readonly [
  id: string,
  kind: GraphOperator['kind'],
  type: string,
  from: readonly string[],
  subtasks?: number,
]

const shop: readonly Part[] = [
  ['orders', 'source', 'kafka', [], 4],
  ['payments', 'source', 'kafka', [], 4],
  ['clicks', 'source', 'files', [], 2],
  ['valid-orders', 'step', 'filter', ['orders'], 4],
  ['joined', 'operator', 'join', ['valid-orders', 'payments'], 4],
  ['sessions', 'operator', 'session window', ['clicks'], 2],
  ['enrich', 'async', 'mapAsync', ['joined'], 4],
  ['per-card', 'operator', 'process', ['enrich'], 4],
  ['per-hour', 'operator', 'window', ['enrich'], 4],
  ['alerts', 'sink', 'kafka', ['per-card'], 2],
  ['revenue', 'sink', 'postgres', ['per-hour']],
  ['visits', 'sink', 'files', ['sessions']],
]

/** Twelve operators over twenty splits; calls of another system are the bottleneck. */
export const shopPipeline: MadeUpPipeline = {
  graph: graphOf('shop', shop),
  splits: 20,
  bottleneck: 'enrich',
  text: '',
}

/** As `shopPipeline`, without anything wrong. */
export const calmPipeline: MadeUpPipeline = { ...shopPipeline, bottleneck: undefined }

/** A thousand operators and ten thousand splits: fifty sources, each with a chain of operators that meet now and then. */
export function hugePipeline(): MadeUpPipeline {
  const parts: Part[] = []
  for (let lane = 0; lane < 50; lane++) {
    parts.push([`source-${lane}`, 'source', 'kafka', [], 8])
    for (let step = 1; step < 19; step++) {
      const before = `${step === 1 ? 'source' : `step-${step - 1}`}-${lane}`
      const beside = step % 6 === 0 && lane > 0 ? [`step-${step - 1}-${lane - 1}`] : []
      parts.push([`step-${step}-${lane}`, 'operator', 'process', [before, ...beside], 8])
    }
    parts.push([`sink-${lane}`, 'sink', 'kafka', [`step-18-${lane}`], 8])
  }
  return { graph: graphOf('huge', parts), splits: 10_000, bottleneck: 'step-9-20', text: '' }
}

/** Names and data that try to be markup, to be endless, and to turn the text around them. */
export const hostileText = '<script>globalThis.stolen=1</script><img src=x onerror="globalThis.stolen=1">'

export function hostilePipeline(): MadeUpPipeline {
  const rightToLeft = '\u202eטקסט הפוך\u202c'
  const parts: readonly Part[] = [
    [hostileText, 'source', hostileText, [], 2],
    ['x'.repeat(1_000_000), 'operator', 'y'.repeat(1_000_000), [hostileText], 2],
    [rightToLeft, 'operator', rightToLeft, ['x'.repeat(1_000_000)], 2],
    ['__proto__', 'operator', 'constructor', [rightToLeft], 2],
    ['', 'sink', 'a/b?c#d%2F..', ['__proto__'], 2],
  ]
  const graph = graphOf('hostile', parts)
  return {
    graph: { ...graph, job: `${hostileText}/..\\` },
    splits: 30,
    bottleneck: hostileText,
    text: `${rightToLeft}${hostileText}${'z'.repeat(1_000_000)}`,
  }
}

/** Each part is a task of its own. */
function graphOf(job: string, parts: readonly Part[]): JobGraph {
  return {
    job,
    operators: parts.map(([id, kind, type]) => operator(id, kind, type)),
    edges: parts.flatMap(([to, , , from]) => from.map((each) => edge(each, to))),
    tasks: parts.map(([id, kind, , , subtasks = 1]) => task(id, kind, subtasks)),
  }
}

function operator(id: string, kind: GraphOperator['kind'], type: string): GraphOperator {
  const hasState = kind === 'operator'
  return {
    id,
    kind,
    type,
    task: id,
    facts: kind === 'async' ? ['at most 64 calls at once', 'timeout 5 s'] : [],
    keeps: hasState ? 'one total per key, for 30 days' : null,
    onError: 'deadLetter',
    hasState,
  }
}

function edge(from: string, to: string): GraphEdge {
  return { from, to, output: 'main', exchange: 'by key', isInsideTask: false }
}

function task(id: string, kind: GraphOperator['kind'], subtasks: number): GraphTask {
  return {
    task: id,
    kind: kind === 'source' || kind === 'async' || kind === 'sink' ? kind : 'chain',
    operators: [id],
    subtasks,
  }
}
