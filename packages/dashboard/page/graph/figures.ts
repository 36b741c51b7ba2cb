import { computed } from '@preact/signals'
import type { GraphEdge, OperatorFigures, TaskFigures, TimeHolder } from '@millrace/control/contract'
import { diagnosis, figures, graph, operatorFigures, taskFigures } from '../live/job.ts'

/** What is drawn along an edge. */
export interface EdgeFigures {
  readonly rate: number | undefined
  readonly lagMs: number | null
  /** For an edge out of a source: the split that event time waits for. */
  readonly holder: TimeHolder | undefined
  /** The share of the time that the sender waits for room. */
  readonly backPressure: number
}

/** The operator that is named as the bottleneck: by the doctor, or else the first of the task that is one. */
export const bottleneck = computed<string | undefined>(() => {
  const found = diagnosis.value?.findings.find(({ code }) => code === 'bottleneck')?.operator
  if (found !== undefined && found !== null) return found
  return figures.value?.tasks.find(({ isBottleneck }) => isBottleneck)?.task
})

/** By operator: the task it runs in. */
const taskOf = computed(
  () => new Map((graph.value?.operators ?? []).map(({ id, task }) => [id, task] as const)),
)

const inputs = computed(() => {
  const counts = new Map<string, number>()
  for (const { to } of graph.value?.edges ?? []) counts.set(to, (counts.get(to) ?? 0) + 1)
  return counts
})

export function figuresOfTask(operator: string): TaskFigures | undefined {
  return taskFigures.value.get(taskOf.value.get(operator) ?? '')
}

/** The figures of an edge, from those of its ends: records that reach an operator with one input came along it. */
export function figuresOfEdge({ from, to, output }: GraphEdge): EdgeFigures {
  const sender = operatorFigures.value.get(from)
  const receiver = operatorFigures.value.get(to)
  return {
    rate: rateOf(output, sender, inputs.value.get(to) === 1 ? receiver : undefined),
    lagMs: sender?.watermarkLagMs ?? null,
    holder: figures.value?.holders.find(({ source }) => source === from),
    backPressure: figuresOfTask(from)?.shares.backPressured ?? 0,
  }
}

function rateOf(
  output: string,
  sender: OperatorFigures | undefined,
  onlyReader: OperatorFigures | undefined,
): number | undefined {
  if (onlyReader !== undefined) return onlyReader.inRate
  return output === 'main' ? sender?.outRate : undefined
}
