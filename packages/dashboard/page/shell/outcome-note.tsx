import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { outcome, underWay } from '../actions/perform.ts'
import { Icon } from '../parts/icon.tsx'
import { Sentence } from '../parts/name.tsx'

const shownMs = 8_000

/** What the last action has done. A failure stays until it is closed. */
export function OutcomeNote(): JSX.Element {
  const shown = outcome.value
  useEffect(() => {
    if (shown === null || shown.isFailure) return
    const timer = setTimeout(() => (outcome.value = null), shownMs)
    return () => clearTimeout(timer)
  }, [shown])
  return (
    <div class="outcome" role="status" aria-live="polite">
      {underWay.value > 0 ? <p class="outcome-note">Working…</p> : null}
      {shown === null ? null : (
        <p class={`outcome-note ${shown.isFailure ? 'bad' : 'good'}`}>
          <Icon name={shown.isFailure ? 'warning' : 'ok'} />
          <span>
            <Sentence text={shown.text} />
          </span>
          <button type="button" class="icon-button" aria-label="Close" onClick={() => (outcome.value = null)}>
            <Icon name="close" size={14} />
          </button>
        </p>
      )}
    </div>
  )
}
