/** Dead letters that a job keeps in its data directory: for commands and for the API. */
export {
  dropLetters,
  letterLogs,
  lettersOf,
  obstacle,
  redrivableOf,
  redriveLetters,
} from './letters/letters.ts'
export type { LetterFilter, LoggedLetter, Redrivable } from './letters/letters.ts'
export { rehearse } from './letters/rehearsal.ts'
export type { RehearsalResult } from './letters/rehearsal.ts'
