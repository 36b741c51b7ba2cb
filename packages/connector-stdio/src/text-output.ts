/** An output for text. */
export interface TextOutput {
  /** Resolves once the text has left the process; with `closed` if the reader has closed the pipe. */
  write(text: string): Promise<'written' | 'closed'>
  /** Requests a stop as a signal would. Returns whether a listener handles it. */
  requestStop(): boolean
}
