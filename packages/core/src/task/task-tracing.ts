import { Tracing } from '../operator/tracing.ts'
import type { TaskSurroundings } from './task.ts'

/** What makes the spans of a subtask; undefined if nothing is traced. */
export function tracingOf(
  { tracer, pipeline, platform }: Pick<TaskSurroundings, 'tracer' | 'pipeline' | 'platform'>,
  subtask: number,
): Tracing | undefined {
  return tracer && new Tracing(tracer, platform.clock, { pipeline, subtask })
}
