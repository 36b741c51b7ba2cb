import type { JSX } from 'preact'
import type { CheckpointRow } from '@millrace/control/contract'
import { duration } from '../parts/format.ts'

const shownMax = 80
const height = 56

/** How long each checkpoint took, the newest on the right. */
export function DurationBars({ checkpoints }: { checkpoints: readonly CheckpointRow[] }): JSX.Element {
  const shown = checkpoints.slice(0, shownMax).reverse()
  // One that was aborted at its timeout would make all others look alike.
  const completed = shown.filter(({ outcome }) => outcome === 'completed')
  const longest = Math.max(1, ...completed.map(({ durationMs }) => durationMs))
  return (
    <div class="bars-frame">
      <span class="muted num">{duration(longest)}</span>
      <div
        class="bars"
        role="img"
        aria-label={`The last ${shown.length} checkpoints: those that were completed took ${duration(longest)} at most, the newest one ${duration(shown.at(-1)?.durationMs)}.`}
        style={{ height: `${height}px` }}
      >
        {shown.map(({ checkpoint, at, durationMs, outcome }) => (
          <span
            key={`${checkpoint} ${at}`}
            class={outcome}
            title={`${checkpoint}: ${outcome}, ${duration(durationMs)}`}
            style={{ height: `${Math.max(2, Math.min(1, durationMs / longest) * height)}px` }}
          />
        ))}
      </div>
    </div>
  )
}
