import { computed } from '@preact/signals'
import type { GraphEdge, TaskFigures } from '@millrace/control/contract'
import { diagnosis, figures, graph, operatorFigures, taskFigures } from '../live/job.ts'
import { edgeFigures, type EdgeFigures } from './edge-figures.ts'

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

/** What is drawn along an edge now. */
export function figuresOfEdge(edge: GraphEdge): EdgeFigures {
  const ends = {
    sender: operatorFigures.value.get(edge.from),
    receiver: operatorFigures.value.get(edge.to),
    inputs: inputs.value.get(edge.to) ?? 0,
    backPressure: figuresOfTask(edge.from)?.shares.backPressured ?? 0,
  }
  return edgeFigures(edge, ends, figures.value?.holders ?? [])
}
