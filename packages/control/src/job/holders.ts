import type { EventTimeWait } from '@millrace/core/job'
import type { TimeHolder } from '../contract/figures.ts'
import { epochTime } from './sums.ts'
import { roundedDuration, timeText } from './texts.ts'

/** What event time waits for, as the API shows it. */
export function holderOf(wait: EventTimeWait, now: number): TimeHolder {
  const { source, subtask, split, isQuiet, idleAfterMs, watermark, ahead, since } = wait
  return {
    source,
    subtask,
    split: split ?? null,
    isQuiet,
    idleAfterMs: idleAfterMs ?? null,
    watermark: epochTime(watermark),
    ahead: epochTime(ahead),
    since,
    sentence: sentenceOf(wait, now),
  }
}

function sentenceOf({ source, split, isQuiet, watermark, since }: EventTimeWait, now: number): string {
  const place = split === undefined ? `source '${source}'` : `split '${split}' of source '${source}'`
  const time = epochTime(watermark)
  const where = time === null ? 'has not begun' : `is at ${timeText(time)}`
  const cause =
    split === undefined
      ? 'splits that were found have not been read yet'
      : isQuiet
        ? 'the split is caught up and brings nothing'
        : 'the split has brought nothing later'
  return `Event time has waited ${roundedDuration(now - since)} for ${place}: it ${where}, and ${cause}.`
}
