import { MillraceError, type EventTime, type StateSetting } from '@millrace/core'

/** A span of event time: `start` belongs to it, `end` does not. Milliseconds since the epoch. */
export interface Window {
  readonly start: EventTime
  readonly end: EventTime
}

/** A span of event time that lies in each window either wholly or not at all. */
export interface Slice extends Window {
  /** Where the first of the windows that hold it ends. */
  readonly firstWindowEnd: EventTime
  /** Where the last of the windows that hold it ends. */
  readonly lastWindowEnd: EventTime
}

/** Which windows there are, as data. */
export interface WindowsFingerprint {
  /** "tumbling". Of windows of your own a name that no other windows have. */
  readonly kind: string
  /** What tells windows of this kind apart: size, offset, zone. */
  readonly settings: readonly StateSetting[]
}

/**
 * Assigns event times to windows.
 *
 * Windows are cut into slices: the spans between two moments at which some window starts or ends. A slice lies in
 * each window either wholly or not at all, so a record is added to one slice however many windows it is in, and a
 * window is the merge of its slices. (Paned and paired windows, after Li and Krishnamurthy.)
 *
 * Windows are in order: one that starts later does not end earlier. So a slice is in all windows that end from its
 * `firstWindowEnd` to its `lastWindowEnd`.
 *
 * Pure: every method depends on its argument alone.
 *
 * @example
 * const assigner = tumbling('1m')
 * assigner.slice(61_000) // => { start: 60000, end: 120000, firstWindowEnd: 120000, lastWindowEnd: 120000 }
 * assigner.startOf(120_000) // => 60000
 */
export interface WindowAssigner {
  /** For people: "tumbling windows of 1m". */
  readonly description: string
  /**
   * Which windows these are, as data. Open windows of a checkpoint are restored only into windows with the same
   * fingerprint: name everything that the other members depend on.
   */
  readonly fingerprint: WindowsFingerprint
  /** The slice that holds `time`. There is a window around every time. */
  slice(time: EventTime): Slice
  /** Where the window that ends at `windowEnd` starts. */
  startOf(windowEnd: EventTime): EventTime
}

/**
 * The slice that holds `time`. Windows would never end if it did not, or if it lay behind the end of its windows.
 *
 * @throws MillraceError `GRAPH_INVALID` for an assigner that says something else.
 */
export function sliceAround(assigner: WindowAssigner, time: EventTime): Slice {
  const slice = assigner.slice(time)
  const { start, end, firstWindowEnd, lastWindowEnd } = slice
  if (start <= time && time < end && end <= firstWindowEnd && firstWindowEnd <= lastWindowEnd) return slice
  throw new MillraceError(
    'GRAPH_INVALID',
    `${assigner.description} put event time ${time} into the slice from ${start} to ${end}, whose windows end from ${firstWindowEnd} to ${lastWindowEnd}; a slice must hold the time that it is asked for, and end before its windows do: correct 'slice' of the assigner`,
  )
}

/** The settings of an operator with these windows. Throws `GRAPH_INVALID` for an assigner without a fingerprint. */
export function windowSettings(assigner: WindowAssigner, operator: string): readonly StateSetting[] {
  // Types ask for it; this is the check for untyped callers.
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
