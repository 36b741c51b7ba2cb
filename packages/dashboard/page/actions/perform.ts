import { signal } from '@preact/signals'
import type { Action, ActionResult } from '@millrace/control/contract'
import { act, ApiFailure } from '../live/api.ts'
import { jobName } from '../live/job.ts'

/** What the last action has done, for the note at the edge of the page; null if there is nothing to say. */
export const outcome = signal<{ readonly text: string; readonly isFailure: boolean } | null>(null)
/** The actions that have been sent and not been answered. */
export const underWay = signal(0)

/** Sends an action, says what it has done, and returns it; undefined if it failed. */
export async function perform(action: Action): Promise<ActionResult | undefined> {
  underWay.value++
  outcome.value = null
  try {
    const result = await act(jobName.value ?? '', action)
    outcome.value = { text: result.text, isFailure: false }
    return result
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error
    outcome.value = { text: `${error.message} (${error.code})`, isFailure: true }
    return undefined
  } finally {
    underWay.value--
  }
}
