/** Where text goes. */
export interface TextOutput {
  /** Resolves once the text has left the process; with `closed` if nobody reads it any more. */
  write(text: string): Promise<'written' | 'closed'>
  /** Asks the program to stop as a signal would, and says whether anybody listens. */
  requestStop(): boolean
}
