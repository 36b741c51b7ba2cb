import type { JSX } from 'preact'
import { GraphView } from '../graph/graph-view.tsx'
import { history } from '../live/history.ts'
import { events, figures, now, overview } from '../live/job.ts'
import { Chart } from '../parts/chart.tsx'
import { age, bytes, count, duration, exact, percent, rate } from '../parts/format.ts'
import { goTo, linkTo } from '../parts/router.ts'
import { Findings } from './findings.tsx'
import { EventLine } from './event-line.tsx'
import { BusyList } from './busy-list.tsx'

/** How the job is, at a glance. */
export function OverviewPage(): JSX.Element {
  return (
    <div class="stack">
      <Findings />
      <Tiles />
      <section class="card graph-card" aria-label="Graph">
        <GraphView isEmbedded selected="" onSelect={(operator) => goTo('graph', operator)} />
      </section>
      <div class="columns">
        <Chart
          title="Throughput"
          format={rate}
          lines={[
            { label: 'read', colour: 'accent', of: () => history.inRate },
            { label: 'written', colour: 'second', of: () => history.outRate },
          ]}
        />
        <Chart
          title="Delay of event time"
          format={duration}
          lines={[{ label: 'watermark lag', colour: 'accent', of: () => history.watermarkLag }]}
        />
      </div>
      <div class="columns">
        <Chart
          title="Duration of checkpoints"
          format={duration}
          height={120}
          lines={[{ label: 'last', colour: 'accent', of: () => history.checkpoint }]}
        />
        <Chart
          title="Latency of the event loop"
          format={duration}
          height={120}
          lines={[{ label: 'mean', colour: 'accent', of: () => history.eventLoopDelay }]}
        />
      </div>
      <div class="columns">
        <BusyList />
        <RecentEvents />
      </div>
    </div>
  )
}

interface TileProps {
  readonly label: string
  readonly value: string
  readonly detail?: string | undefined
  readonly tone?: string
  readonly href?: string
}

function Tile({ label, value, detail, tone = '', href }: TileProps): JSX.Element {
  const Tag = href === undefined ? 'div' : 'a'
  return (
    <Tag class={`tile ${tone}`} {...(href === undefined ? {} : { href })}>
      <span class="tile-label">{label}</span>
      <span class="tile-value num">{value}</span>
      <span class="tile-detail num">{detail ?? '\u00a0'}</span>
    </Tag>
  )
}

function Tiles(): JSX.Element | null {
  const job = overview.value
  if (job === null) return null
  const { totals, lastCheckpoint } = job
  const isLate =
    lastCheckpoint !== null &&
    now.value - lastCheckpoint.at > 5 * job.checkpointEveryMs + lastCheckpoint.durationMs
  const lost = totals.deadLettered + totals.skipped
  return (
    <section class="tiles" aria-label="Figures">
      <Tile label="Read" value={rate(job.inRate)} detail={`${exact(totals.recordsIn)} total`} />
      <Tile label="Written" value={rate(job.outRate)} detail={`${exact(totals.recordsOut)} total`} />
      <Tile
        label="Watermark lag"
        value={duration(totals.watermarkLagMs ?? undefined)}
        detail={sourceLag()}
        href={linkTo('splits')}
      />
      <Tile
        label="Last checkpoint"
        value={lastCheckpoint === null ? 'none yet' : age(lastCheckpoint.at, now.value)}
        detail={lastCheckpoint === null ? undefined : `took ${duration(lastCheckpoint.durationMs)}`}
        tone={isLate ? 'warn' : ''}
        href={linkTo('checkpoints')}
      />
      <Tile
        label="State"
        value={bytes(totals.stateBytes)}
        detail={`${count(totals.stateCells)} values`}
        href={linkTo('state')}
      />
      <Tile
        label="Not processed"
        value={count(lost + totals.late)}
        detail={`${count(totals.late)} late, ${count(lost)} failed`}
        tone={lost > 0 ? 'warn' : ''}
        href={linkTo('letters')}
      />
      <Tile
        label="Event loop"
        value={percent(job.runtime.eventLoopUtilization)}
        detail={`${bytes(job.runtime.residentBytes)} memory`}
      />
    </section>
  )
}

function sourceLag(): string | undefined {
  const { lagBytes, lagRecords } = overview.value!.totals
  if (lagRecords !== null) return `${count(lagRecords)} to read`
  return lagBytes === null ? undefined : `${bytes(lagBytes)} to read`
}

function RecentEvents(): JSX.Element {
  const recent = events.value
    .filter(({ kind }) => kind !== 'checkpointCompleted')
    .slice(-6)
    .reverse()
  return (
    <section class="card">
      <h2>
        Latest events <a href={linkTo('events')}>all</a>
      </h2>
      {recent.length === 0 ? (
        <p class="muted">Nothing but checkpoints{figures.value === null ? ' yet' : ''}.</p>
      ) : (
        <ul class="event-list">
          {recent.map((event) => (
            <li key={event.id}>
              <EventLine event={event} />
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
