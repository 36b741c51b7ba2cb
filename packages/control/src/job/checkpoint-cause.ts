import type { CheckpointFigures } from '@millrace/core/job'
import { roundedDuration, wholeText } from './texts.ts'

/** What took most of the time of a checkpoint. */
export interface CheckpointCause {
  readonly kind: 'aligned' | 'encoded' | 'durable'
  /** As a phrase. */
  readonly text: string
}

/** Says what took most of the time of a checkpoint: the way of its barrier, a subtask, or the disk. */
export function causeOf({
  durationMs,
  alignAndEncodeMs,
  slowest,
  bytes,
}: Pick<CheckpointFigures, 'durationMs' | 'alignAndEncodeMs' | 'slowest' | 'bytes'>): CheckpointCause {
  const [part] = slowest
  if (part !== undefined && part.alignedMs > durationMs / 2) {
    const text = `its barrier reached '${part.task}' only after ${roundedDuration(part.alignedMs)}, because of the records before it`
    return { kind: 'aligned', text }
  }
  if (part !== undefined && part.encodeMs > durationMs / 2) {
    const text = `'${part.task}' took ${roundedDuration(part.encodeMs)} to write its state or to prepare its output`
    return { kind: 'encoded', text }
  }
  const text = `making ${wholeText(bytes)} bytes durable took ${roundedDuration(durationMs - alignAndEncodeMs)}`
  return { kind: 'durable', text }
}
