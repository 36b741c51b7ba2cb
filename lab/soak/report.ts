/** The result of a soak. */
export interface SoakReport {
  /** In one line. */
  readonly figures: string
  /** The violated limits, a sentence each. */
  readonly broken: readonly string[]
}
