import type { OriginDetail } from '../exchange/batch-bytes.ts'
import type { Graph } from '../graph/node.ts'
import type { Plan } from '../plan/plan.ts'

/**
 * Which worker runs which subtask. Worker 0 is that of the coordinator, and with threads the others have the subtasks:
 * neighbours share a worker, so each has a range of key groups.
 */
export function workerOf(plan: Plan, threads: number): (task: number, subtask: number) => number {
  if (threads === 1) return () => 0
  const isPinned = plan.tasks.map(({ needsMainThread }) => needsMainThread)
  return (task, subtask) => (isPinned[task] ? 0 : 1 + Math.floor((subtask * threads) / plan.parallelism))
}

/** Names who has which state: two jobs with the same text have the same state in the same workers. */
export function layoutOf(plan: Plan, threads: number): string {
  if (threads === 1) return 'one worker'
  const pinned = plan.tasks.filter(({ kind, needsMainThread }) => kind !== 'sink' && needsMainThread)
  const names = JSON.stringify(pinned.map(({ name }) => name).toSorted())
  return `${plan.parallelism} subtasks in ${threads} threads, main thread: ${names}`
}

/** Dead letters contain the bytes and the place of a record, wherever it fails. */
export function detailOf({ nodes }: Graph): OriginDetail {
  return nodes.some((node) => 'onError' in node && node.onError.kind === 'deadLetter') ? 'full' : 'range'
}
