/** The file in a data directory by which commands find the API of the job that runs there. */
export const controlFile = 'control.json'

/** The content of that file. It has no token: the caller of a command sets it in the environment. */
export interface ControlRecord {
  readonly url: string
}
