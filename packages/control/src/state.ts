/** Values of state as the API shows them: for commands that read checkpoints. */
export { stateEntry } from './state/state-entry.ts'
