import { MAX_TIME, MIN_TIME, type EventTime } from '../record/time.ts'

/**
 * Sources whose records meet, none of which should run ahead of the others in event time.
 *
 * Each reports its watermark. One with a limit does not read splits that are further ahead of the lowest watermark than
 * that. The lowest one is never held back, so a backlog is read at full speed.
 */
export class AlignedSources {
  readonly #members: AlignedSource[] = []
  #lowest: EventTime = MIN_TIME
  /** The lowest watermark of the members in this worker, and in the others. */
  #own: EventTime = MIN_TIME
  #others: EventTime = MAX_TIME
  /** Called when the lowest watermark of the members in this worker has changed. */
  onChange: (own: EventTime) => void = () => {}

  /** The lowest watermark of the members that are waited for; infinite if there is none. */
  get lowest(): EventTime {
    return this.#lowest
  }

  /** Adds a subtask of a source. `wake` is called when it may read on. */
  join(maxDriftMs: number | undefined, wake: () => void): AlignedSource {
    const member = new AlignedSource(this, maxDriftMs, wake)
    this.#members.push(member)
    return member
  }

  /** A member has another watermark. */
  changed(): void {
    let own: EventTime = MAX_TIME
    for (const { position } of this.#members) own = Math.min(own, position)
    if (own !== this.#own) {
      this.#own = own
      this.onChange(own)
    }
    this.#update()
  }

  /** The members in other workers have another lowest watermark. */
  others(lowest: EventTime): void {
    this.#others = lowest
    this.#update()
  }

  #update(): void {
    const lowest = Math.min(this.#own, this.#others)
    if (lowest === this.#lowest) return
    this.#lowest = lowest
    for (const member of this.#members) member.limitChanged()
  }
}

/** One subtask of a source among those that it is aligned with. */
export class AlignedSource {
  readonly #group: AlignedSources
  readonly #maxDriftMs: number | undefined
  readonly #wake: () => void
  /** Its watermark; infinite while it is not waited for. */
  #position: EventTime = MIN_TIME
  #isPaused = false

  constructor(group: AlignedSources, maxDriftMs: number | undefined, wake: () => void) {
    this.#group = group
    this.#maxDriftMs = maxDriftMs
    this.#wake = wake
  }

  get position(): EventTime {
    return this.#position
  }

  /** Whether a split was not read because it is too far ahead. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Reports its watermark. A source that is not active is not waited for. */
  report(watermark: EventTime, isActive: boolean): void {
    const position = isActive ? watermark : MAX_TIME
    if (position === this.#position) return
    this.#position = position
    this.#group.changed()
  }

  /** Whether a split with this watermark may be read now. If not, `wake` is called when that may have changed. */
  mayRead(watermark: EventTime): boolean {
    if (this.#maxDriftMs === undefined) return true
    this.#isPaused = watermark > this.#group.lowest + this.#maxDriftMs
    return !this.#isPaused
  }

  limitChanged(): void {
    if (this.#isPaused) this.#wake()
  }
}

/** The lowest watermark of some sources that meet, by the number of their group. */
export interface GroupPosition {
  readonly group: number
  readonly lowest: EventTime
}

/** The sources of one worker that are aligned, also with those of other workers. */
export class Alignment {
  /** By the number of the group, which is the same in every worker. */
  readonly #groups: ReadonlyMap<number, AlignedSources>
  /** By the name of the source. */
  readonly #bySource: ReadonlyMap<string, AlignedSources>

  constructor(groups: ReadonlyMap<number, AlignedSources>, bySource: ReadonlyMap<string, AlignedSources>) {
    this.#groups = groups
    this.#bySource = bySource
  }

  /** Undefined for a source that meets none with a limit. */
  of(source: string): AlignedSources | undefined {
    return this.#bySource.get(source)
  }

  /** Reports every change of the lowest watermark of this worker's sources. */
  listen(changed: (positions: readonly GroupPosition[]) => void): void {
    for (const [group, sources] of this.#groups) {
      sources.onChange = (lowest) => changed([{ group, lowest }])
    }
  }

  /** Handles the lowest watermarks of other workers. */
  others(positions: readonly GroupPosition[]): void {
    for (const { group, lowest } of positions) this.#groups.get(group)?.others(lowest)
  }
}
