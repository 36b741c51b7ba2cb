/** What a soak found. */
export interface SoakReport {
  /** In one line. */
  readonly figures: string
  /** What does not hold, a sentence each. */
  readonly broken: readonly string[]
}
