import type { PartFrame } from '../disk/profiler.ts'
import type { EventTime } from '../record/time.ts'
import type { TimerDomain } from '../time/due-timer.ts'

/** What a part of a chain does, behind its entry. */
export interface PartWork {
  handle(value: unknown, time: EventTime): void
  /** Fires a timer; see `OperatorLink.fire`. */
  step(domain: TimerDomain, upTo: number, now: number): boolean
}

let made = 0

/**
 * Code that never runs, and makes a function too large for V8 to inline: in code that was compiled before the profile began
 * inlined calls do not appear.
 */
export const padding: string = `if (padding.isNever) { let n = 0; ${'n = (n + padding.n) * n; '.repeat(80)} padding.n = n }`

/** What the padding reads. */
export const paddingValues: { isNever: boolean; n: number } = { isNever: false, n: 0 }

/**
 * Calls `work` from functions that only this part has, so that profiles show what it costs. They are compiled, because
 * V8 does not distinguish closures of one function. Undefined where code cannot be compiled.
 */
export function framed(
  part: string,
  work: PartWork,
): { readonly work: PartWork; readonly frames: readonly PartFrame[] } | undefined {
  const url = `millrace:part/${++made}`
  const source = `return {
      handle(value, time) { ${padding} work.handle(value, time) },
      step(domain, upTo, now) { ${padding} return work.step(domain, upTo, now) },
    }
    //# sourceURL=${url}`
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- a fixed text and a number
    const make = new Function('work', 'padding', source) as (work: PartWork, padding: object) => PartWork
    const frames = ['handle', 'step'].map((functionName) => ({ url, functionName, part }))
    return { work: make(work, paddingValues), frames }
  } catch (error) {
    if (error instanceof EvalError) return undefined
    throw error
  }
}
