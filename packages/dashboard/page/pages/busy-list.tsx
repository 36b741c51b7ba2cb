import type { JSX } from 'preact'
import { bottleneck } from '../graph/figures.ts'
import { figures } from '../live/job.ts'
import { percent } from '../parts/format.ts'
import { Name } from '../parts/name.tsx'
import { linkTo } from '../parts/router.ts'
import { SharesBar, SharesLegend } from '../parts/shares.tsx'

const shownMax = 6

/** The tasks that work most, the busiest first. */
export function BusyList(): JSX.Element {
  const tasks = [...(figures.value?.tasks ?? [])]
    .sort((a, b) => b.shares.busy - a.shares.busy)
    .slice(0, shownMax)
  return (
    <section class="card">
      <h2>
        Busiest tasks <a href={linkTo('operators')}>all</a>
      </h2>
      <ul class="busy-list">
        {tasks.map(({ task, shares, queued }) => (
          <li key={task}>
            <a href={linkTo('graph', task)}>
              <Name text={task} length={40} />
            </a>
            {bottleneck.value === task ? <span class="pill bad small">bottleneck</span> : null}
            <SharesBar shares={shares} />
            <span class="num">{percent(shares.busy)}</span>
            <span class="num muted">{queued} queued</span>
          </li>
        ))}
      </ul>
      <SharesLegend />
    </section>
  )
}
