import type { Finding } from '../contract/happenings.ts'
import { causeOf, type CheckpointCause } from '../job/checkpoint-cause.ts'
import { roundedDuration } from '../job/texts.ts'
import type { JobView } from '../job/job-view.ts'
import { finding } from './finding.ts'

/** Why nothing is committed: failures, checkpoints that do not end or are slow, a disk that is full. */
export function checkpointFindings(watched: JobView): readonly Finding[] {
  return [...failures(watched), ...stuck(watched), ...slow(watched)]
}

function failures({ happenings, job }: JobView): readonly Finding[] {
  const { failure } = happenings
  if (failure === undefined) return []
  const { phase, restarts } = job.status()
  const isDown = phase === 'restarting' || phase === 'ended'
  const isFull = failure.code === 'FS_FULL'
  const sentence = isDown
    ? `The job has failed: ${failure.message}`
    : `The job has restarted ${restarts} times, most recently because of this: ${failure.message}`
  const advice = isFull
    ? 'The disk is full: make room, or give the data directory a larger one; the job resumes from its last checkpoint.'
    : failure.docs === null
      ? ''
      : `What helps is in ${failure.docs}.`
  return [
    finding(isFull ? 'full-disk' : 'failure', isDown ? 'problem' : 'warning', sentence, {
      since: failure.at,
      advice,
    }),
  ]
}

/** A checkpoint that runs for so many intervals, and at least so long, is stuck. */
const stuckIntervals = 10
const stuckFromMs = 10_000

function stuck(watched: JobView): readonly Finding[] {
  const { job, happenings, now } = watched
  const running = job.runningCheckpoint
  if (running === undefined) return []
  if (running.runsMs < Math.max(stuckFromMs, stuckIntervals * happenings.checkpointEveryMs)) return []
  const { missing, participants } = watched.checkpoints().running!
  const [first] = missing
  const rest = participants - running.reported.length
  const sentence = `Checkpoint ${running.checkpoint} has run for ${roundedDuration(running.runsMs)}, and ${rest} of ${participants} subtasks have not reached it; the first is '${first}'. Until it ends nothing is committed.`
  return [
    finding('stuck-checkpoint', 'problem', sentence, {
      operator: first?.slice(0, first.lastIndexOf('/')) ?? null,
      since: now - running.runsMs,
      advice:
        'That subtask, or the sink behind it, does not take its input: look whether its call or write hangs, and set a timeout for it.',
    }),
  ]
}

/** Checkpoints that take longer than this part of their interval slow the job down. */
const slowFrom = 0.8
const slowFromMs = 1_000

const helps: Readonly<Record<CheckpointCause['kind'], string>> = {
  aligned: 'Remove the bottleneck before it, or limit what waits there.',
  encoded: 'Keep less state for each key, or set checkpointEvery to more.',
  durable: 'Use a faster disk, or set checkpointEvery to more.',
}

function slow({ happenings }: JobView): readonly Finding[] {
  const last = happenings.checkpoints.entries.findLast(({ outcome }) => outcome === 'completed')
  if (last === undefined) return []
  const { durationMs, alignAndEncodeMs, slowest, bytes } = last
  if (durationMs < Math.max(slowFromMs, slowFrom * happenings.checkpointEveryMs)) return []
  const [part] = slowest
  const { kind, text } = causeOf({
    durationMs,
    slowest,
    alignAndEncodeMs: alignAndEncodeMs ?? 0,
    bytes: bytes ?? 0,
  })
  return [
    finding(
      'slow-checkpoints',
      'warning',
      `Checkpoint ${last.checkpoint} took ${roundedDuration(durationMs)}: ${text}.`,
      {
        operator: part?.task ?? null,
        since: last.at,
        advice: helps[kind],
      },
    ),
  ]
}
