import type { JSX } from 'preact'
import type { Shares } from '@millrace/control/contract'
import { percent } from './format.ts'

/** How busy a task is: `high` from 80 %, `some` from 40 %. */
export function heat({ busy }: Shares): 'low' | 'some' | 'high' {
  return busy >= 0.8 ? 'high' : busy >= 0.4 ? 'some' : 'low'
}

function sharesInWords({ busy, backPressured, idle }: Shares): string {
  return `busy ${percent(busy)}, back-pressured ${percent(backPressured)}, idle ${percent(idle)}`
}

/** What a task spends its time with, as a bar of parts. */
export function SharesBar({ shares }: { shares: Shares | undefined }): JSX.Element {
  if (shares === undefined) return <span class="shares" />
  return (
    <span class="shares" role="img" aria-label={sharesInWords(shares)} title={sharesInWords(shares)}>
      <span class={`busy ${heat(shares)}`} style={{ width: `${shares.busy * 100}%` }} />
      <span class="pressed" style={{ width: `${shares.backPressured * 100}%` }} />
      <span class="waiting" style={{ width: `${shares.waiting * 100}%` }} />
    </span>
  )
}

/** What the colours of the bars mean. */
export function SharesLegend({ class: name = '' }: { class?: string }): JSX.Element {
  return (
    <p class={`legend-line muted ${name}`}>
      <span>
        <i class="swatch busy" /> busy
      </span>
      <span>
        <i class="swatch pressed" /> back-pressured
      </span>
      <span>
        <i class="swatch idle" /> idle
      </span>
    </p>
  )
}
