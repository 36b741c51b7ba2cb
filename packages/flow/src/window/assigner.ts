import { MillraceError, type EventTime } from '@millrace/core'
import type { StateSetting } from '@millrace/core/operator'

/** A span of event time in milliseconds since the epoch, including `start` and excluding `end`. */
export interface Window {
  readonly start: EventTime
  readonly end: EventTime
}

/** A span of event time that is in each window either entirely or not at all. */
export interface Slice extends Window {
  /** The end of the first window that contains it or, if none does, that starts after it. */
  readonly firstWindowEnd: EventTime
  /** The end of the last window that contains it or, if none does, that ended before it. */
  readonly lastWindowEnd: EventTime
}

/** Identifies windows, as data. */
export interface WindowsFingerprint {
  /** "tumbling". Give your own windows a unique name. */
  readonly kind: string
  /** The settings that distinguish windows of this kind: size, offset, zone. */
  readonly settings: readonly StateSetting[]
}

/**
 * Assigns event times to windows.
 *
 * Windows are divided into slices: the spans between two times at which some window starts or ends. A slice
 * is in each window either entirely or not at all, so a record is added to one slice, however many windows
 * contain it, and a window is the merge of its slices. (Paned and paired windows, after Li and
 * Krishnamurthy.)
 *
 * Windows are ordered: one that starts later does not end earlier. So a slice is in all windows that end from
 * its `firstWindowEnd` to its `lastWindowEnd`.
 *
 * Pure: every method depends on its argument only.
 *
 * @example
 * const assigner = tumbling('1m')
 * assigner.slice(61_000) // => { start: 60000, end: 120000, firstWindowEnd: 120000, lastWindowEnd: 120000 }
 * assigner.startOf(120_000) // => 60000
 */
export interface WindowAssigner {
  /** A description for people: "tumbling windows of 1m". */
  readonly description: string
  /**
   * Identifies the windows, as data. Open windows of a checkpoint are restored only into windows with the
   * same fingerprint: include everything that the other members depend on.
   */
  readonly fingerprint: WindowsFingerprint
  /** The slice that contains `time`. */
  slice(time: EventTime): Slice
  /** The start of the window that ends at `windowEnd`. */
  startOf(windowEnd: EventTime): EventTime
  /**
   * The mark of the window that ends at `windowEnd`: a time from its start to its end. Its slices before the
   * mark and those after it are merged separately, and windows with one mark share the work. Default: the
   * window's start, which suits windows that share their start.
   */
  markOf?(windowEnd: EventTime): EventTime
}

/**
 * Assigns records to windows of their own, which merge with others of the same key when they overlap or touch.
 *
 * Pure: `windowOf` depends on its arguments alone.
 */
export interface MergingWindows<in T = unknown> {
  /** For people: "sessions with a gap of 30m". */
  readonly description: string
  /** Which windows these are, as data, as that of `WindowAssigner`. */
  readonly fingerprint: WindowsFingerprint
  /** The window of a record alone. It starts at or before `time` and ends after it. */
  windowOf(value: T, time: EventTime): Window
}

/** The maximum distance of an event time from the epoch, in milliseconds: the range of `Date`. */
export const farthestTime = 8.64e15

/** Throws `TIMESTAMP_INVALID` for an event time that is in no window. */
export function checkTime(time: EventTime): void {
  if (Math.abs(time) <= farthestTime) return
  throw new MillraceError(
    'TIMESTAMP_INVALID',
    `a record has event time ${time}, which is in no window; windows need milliseconds since the epoch, at most ${farthestTime} from it`,
  )
}

/** Whether a slice is a whole window, not shared with others. */
export function isWholeWindow(
  assigner: WindowAssigner,
  { start, end, firstWindowEnd, lastWindowEnd }: Slice,
): boolean {
  return (
    end === firstWindowEnd && firstWindowEnd === lastWindowEnd && assigner.startOf(firstWindowEnd) === start
  )
}

/** Whether a slice is between two windows, in none of them. */
export function isBetweenWindows({ start, lastWindowEnd }: Slice): boolean {
  return lastWindowEnd <= start
}

/**
 * The slice that contains `time`. Windows would never end if it did not, or if it ended after its windows.
 *
 * @throws MillraceError `GRAPH_INVALID` for an inconsistent assigner.
 */
export function sliceAround(assigner: WindowAssigner, time: EventTime): Slice {
  const slice = assigner.slice(time)
  const { start, end, firstWindowEnd, lastWindowEnd } = slice
  const isInWindows = end <= firstWindowEnd && firstWindowEnd <= lastWindowEnd
  if (start <= time && time < end && (isInWindows || isBetweenWindows(slice))) return slice
  throw new MillraceError(
    'GRAPH_INVALID',
    `${assigner.description} put event time ${time} into the slice from ${start} to ${end}, whose windows end from ${firstWindowEnd} to ${lastWindowEnd}; a slice must contain the given time, and end no later than its windows: correct 'slice' of the assigner`,
  )
}

/** The fingerprint of an operator's windows. Throws `GRAPH_INVALID` for an assigner without one. */
export function windowSettings(
  assigner: Pick<WindowAssigner, 'fingerprint' | 'description'>,
  operator: string,
): readonly StateSetting[] {
  // The types require it; this is the check for untyped callers.
  const { kind, settings } = (assigner.fingerprint ?? {}) as Partial<WindowsFingerprint>
  if (typeof kind !== 'string' || !Array.isArray(settings)) {
    throw new MillraceError(
      'GRAPH_INVALID',
      `the windows of '${operator}' (${String(assigner.description)}) have no fingerprint, so a changed program could misread open windows; give the assigner a 'fingerprint' with its kind and settings`,
    )
  }
  const own = (settings as readonly StateSetting[]).map((setting) => ({
    ...setting,
    name: `window ${setting.name}`,
  }))
  return [{ name: 'window kind', value: kind }, ...own]
}
