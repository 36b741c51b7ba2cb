import type { ComponentType, JSX } from 'preact'
import { overview, diagnosis } from '../live/job.ts'
import { Icon, type IconName } from '../parts/icon.tsx'
import { count } from '../parts/format.ts'
import { linkTo } from '../parts/router.ts'
import { CheckpointsPage } from '../pages/checkpoints.tsx'
import { EventsPage } from '../pages/events.tsx'
import { GraphPage } from '../pages/graph.tsx'
import { LettersPage } from '../pages/letters.tsx'
import { LogsPage } from '../pages/logs.tsx'
import { OperatorsPage } from '../pages/operators.tsx'
import { OverviewPage } from '../pages/overview.tsx'
import { SplitsPage } from '../pages/splits.tsx'
import { StatePage } from '../pages/state.tsx'

interface Page {
  readonly id: string
  readonly title: string
  readonly icon: IconName
  /** Whether it fills the window and scrolls by itself. */
  readonly isFull: boolean
  readonly Content: ComponentType<{ selected: string }>
}

/** Every page, in the order of the navigation. */
export const pages: readonly Page[] = [
  { id: 'overview', title: 'Overview', icon: 'overview', isFull: false, Content: OverviewPage },
  { id: 'graph', title: 'Graph', icon: 'graph', isFull: true, Content: GraphPage },
  { id: 'operators', title: 'Operators', icon: 'operators', isFull: true, Content: OperatorsPage },
  { id: 'splits', title: 'Splits', icon: 'splits', isFull: true, Content: SplitsPage },
  { id: 'checkpoints', title: 'Checkpoints', icon: 'checkpoints', isFull: false, Content: CheckpointsPage },
  { id: 'events', title: 'Events', icon: 'events', isFull: true, Content: EventsPage },
  { id: 'letters', title: 'Dead letters', icon: 'letters', isFull: true, Content: LettersPage },
  { id: 'state', title: 'State', icon: 'state', isFull: true, Content: StatePage },
  { id: 'logs', title: 'Logs', icon: 'logs', isFull: true, Content: LogsPage },
]

export function Navigation({ current }: { current: string }): JSX.Element {
  return (
    <nav class="rail" aria-label="Pages">
      <a class="brand" href={linkTo('overview')}>
        <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="7" class="brand-tile" />
          <path d="M6 12c4-4 6 4 10 0s6 4 10 0M6 20c4-4 6 4 10 0s6 4 10 0" class="brand-wave" />
        </svg>
        Millrace
      </a>
      <ul>
        {pages.map(({ id, title, icon }) => (
          <li key={id}>
            <a href={linkTo(id)} aria-current={id === current ? 'page' : undefined}>
              <Icon name={icon} />
              <span>{title}</span>
              <Badge page={id} />
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

/** What needs attention on a page. */
function Badge({ page }: { page: string }): JSX.Element | null {
  if (page === 'letters') {
    const letters = overview.value?.totals.deadLettered ?? 0
    return letters === 0 ? null : <Mark text={count(letters)} words="dead letters" />
  }
  if (page === 'overview') {
    const problems = diagnosis.value?.findings.filter(({ severity }) => severity === 'problem').length ?? 0
    return problems === 0 ? null : <Mark text={String(problems)} words="problems" isBad />
  }
  return null
}

function Mark({ text, words, isBad = false }: { text: string; words: string; isBad?: boolean }): JSX.Element {
  return (
    <span class={`mark num${isBad ? ' bad' : ''}`}>
      {text}
      <span class="hidden"> {words}</span>
    </span>
  )
}
