import type { JSX } from 'preact'
import type { JobOverview } from '@millrace/control/contract'
import { ActionMenu } from '../actions/action-menu.tsx'
import { link } from '../live/connection.ts'
import { jobName, jobNames, may, now, overview, session, show } from '../live/job.ts'
import { duration } from '../parts/format.ts'
import { Icon } from '../parts/icon.tsx'
import { Name, visible } from '../parts/name.tsx'
import { isDark, setTheme } from '../parts/theme.ts'

export function Header(): JSX.Element {
  const job = overview.value
  return (
    <header class="top">
      <div class="top-job">
        <h1>
          {jobNames.value.length > 1 ? (
            <JobChoice />
          ) : (
            <Name text={jobName.value ?? 'Millrace'} length={60} />
          )}
        </h1>
        {job === null ? null : <PhasePill job={job} />}
        {job === null || job.phase === 'ended' ? null : (
          <span class="muted num top-age">up {duration(now.value - job.startedAt)}</span>
        )}
      </div>
      <div class="top-tools">
        {session.value !== null && !may('checkpoint') ? (
          <span class="pill" title="Your role may read, not act.">
            read only
          </span>
        ) : null}
        {may('checkpoint') && job !== null && job.phase !== 'ended' ? <ActionMenu job={job} /> : null}
        <button
          type="button"
          class="icon-button"
          aria-label={isDark.value ? 'Use light colours' : 'Use dark colours'}
          onClick={() => setTheme(isDark.value ? 'light' : 'dark')}
        >
          <Icon name={isDark.value ? 'sun' : 'moon'} />
        </button>
      </div>
    </header>
  )
}

function JobChoice(): JSX.Element {
  return (
    <select
      aria-label="Job"
      value={jobName.value ?? ''}
      onChange={(event) => show(event.currentTarget.value)}
    >
      {jobNames.value.map((name) => (
        <option key={name} value={name}>
          {visible(name, 60)}
        </option>
      ))}
    </select>
  )
}

function PhasePill({ job }: { job: JobOverview }): JSX.Element {
  const [text, tone] = phaseOf(job)
  return (
    <span class={`pill ${tone}`} role="status">
      <i class="dot" aria-hidden="true" />
      {text}
    </span>
  )
}

function phaseOf(job: JobOverview): [text: string, tone: string] {
  if (job.phase === 'ended') return [job.outcome ?? 'ended', job.outcome === 'failed' ? 'bad' : '']
  if (link.value === 'lost') return ['disconnected', 'warn']
  if (job.phase === 'restarting') return ['restarting', 'bad']
  if (job.phase === 'running' && job.pausedSources.length > 0) return ['paused', 'warn']
  return [job.phase, job.phase === 'running' ? 'good' : 'warn']
}
