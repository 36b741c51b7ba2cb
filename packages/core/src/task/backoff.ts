import type { Random } from '@millrace/world'
import type { RetryRules } from '../graph/node.ts'

/**
 * The pause before the next attempt, in milliseconds: between half of the full pause and all of it, so that calls that
 * failed together are not repeated together. `failures` have failed in a row.
 */
export function pauseAfter(failures: number, rules: RetryRules, random: Random): number {
  const full = Math.min(rules.longestDelayMs, rules.firstDelayMs * 2 ** (failures - 1))
  return Math.round((full * (1 + random.next())) / 2)
}

/**
 * Whether another attempt is allowed after `failures`, the first of which was `sinceMs` ago. An attempt that would begin
 * after the budget is not made.
 */
export function mayRepeat(failures: number, sinceMs: number, pauseMs: number, rules: RetryRules): boolean {
  return failures < rules.attempts && sinceMs + pauseMs <= (rules.budgetMs ?? Infinity)
}
