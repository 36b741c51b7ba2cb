import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { link, nextTryAt } from '../live/connection.ts'
import { figures, overview, reconnect } from '../live/job.ts'
import { clock } from '../parts/format.ts'

/** Says that what is shown is old, and when the page tries again. Silent while figures arrive. */
export function LinkBanner(): JSX.Element | null {
  if (overview.value === null || overview.value.phase === 'ended') return null
  if (link.value !== 'lost' && link.value !== 'stale') return null
  const at = figures.value?.at
  const since = at === undefined ? '' : ` What you see is from ${clock(at, at)}.`
  return (
    <div class="banner" role="status">
      <span>
        {link.value === 'stale'
          ? 'No figures arrive: the job may be blocked.'
          : 'The connection to the job is lost.'}
        {since}
      </span>
      {link.value === 'lost' ? <NextTry /> : null}
    </div>
  )
}

function NextTry(): JSX.Element {
  const [, tick] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => tick((old) => old + 1), 500)
    return () => clearInterval(timer)
  }, [])
  const seconds = Math.ceil(((nextTryAt.value ?? Date.now()) - Date.now()) / 1_000)
  return (
    <button type="button" class="button small" onClick={reconnect}>
      {seconds > 0 ? `Connect now (or in ${seconds} s)` : 'Connecting…'}
    </button>
  )
}
