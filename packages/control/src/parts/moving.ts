import { isMillraceError } from '@millrace/core'
import { RequestError } from '../server/problems.ts'

/** The code of an answer of a worker that does not have the part that it was asked for. */
export const notHere = 'PART_NOT_HERE'
/** The code of an answer for a part that no worker has now. */
const moving = 'PART_MOVES'

const retryAfterSeconds = 1

/** The part of a job that has the state is on its way to another worker. */
export function partMoves(part: string): RequestError {
  return new RequestError(
    503,
    moving,
    `'${part}', which has this state, moves to another worker or is being restored there; try again`,
    retryAfterSeconds,
  )
}

/** Whether an error says that a part cannot answer now, and will soon, here or elsewhere. */
export function isMoving(error: unknown): boolean {
  if (error instanceof RequestError) return error.code === moving
  // Its job starts, restarts or has ended.
  return isMillraceError(error, 'JOB_FAILED') || isMillraceError(error, 'CHECKPOINT_FAILED')
}
