import type { JSX } from 'preact'
import type { Finding, JobOverview } from '@millrace/control/contract'
import { diagnosis, figures, now, overview } from '../live/job.ts'
import { duration, percent } from '../parts/format.ts'
import { Icon, type IconName } from '../parts/icon.tsx'
import { Sentence } from '../parts/name.tsx'
import { linkTo } from '../parts/router.ts'

const icons: Readonly<Record<Finding['severity'], IconName>> = {
  problem: 'warning',
  warning: 'warning',
  note: 'info',
}
const shownMax = 5

/** What is wrong, in sentences; the worst is the headline of the page. */
export function Findings(): JSX.Element {
  const job = overview.value!
  const found = [...ofJob(job), ...(diagnosis.value?.findings ?? [])]
  const [first, ...others] = found
  if (first === undefined) return <Headline tone="good" icon="ok" text={calm(job)} />
  return (
    <section class="findings" aria-label="What is wrong" aria-live="polite">
      <Headline tone={tone(first)} icon={icons[first.severity]} text={first.sentence} finding={first} />
      {others.length === 0 ? null : (
        <ul>
          {others.slice(0, shownMax).map((finding, index) => (
            <li key={index} class={tone(finding)}>
              <Icon name={icons[finding.severity]} size={16} />
              <span>
                <Sentence text={finding.sentence} /> <Advice finding={finding} />
              </span>
            </li>
          ))}
          {others.length > shownMax ? <li class="muted">and {others.length - shownMax} more</li> : null}
        </ul>
      )}
    </section>
  )
}

interface HeadlineProps {
  readonly tone: string
  readonly icon: IconName
  readonly text: string
  readonly finding?: Finding
}

function Headline({ tone, icon, text, finding }: HeadlineProps): JSX.Element {
  return (
    <div class={`headline ${tone}`}>
      <Icon name={icon} size={22} />
      <div>
        <p class="headline-text">
          <Sentence text={text} />
        </p>
        {finding === undefined ? null : <Advice finding={finding} />}
      </div>
    </div>
  )
}

function Advice({ finding: { advice, operator, since } }: { finding: Finding }): JSX.Element | null {
  if (advice === '' && operator === null && since === null) return null
  return (
    <span class="advice">
      {since === null ? null : <span class="num">For {duration(now.value - since)}. </span>}
      <Sentence text={advice} />
      {operator === null ? null : (
        <>
          {' '}
          <a href={linkTo('graph', operator)}>Show it</a>
        </>
      )}
    </span>
  )
}

function tone({ severity }: Finding): string {
  return severity === 'problem' ? 'bad' : severity === 'warning' ? 'warn' : 'note'
}

/** What the state of the job itself says. */
function ofJob(job: JobOverview): Finding[] {
  const common = { operator: null, split: null, since: null, advice: '' }
  if (job.failure !== null && (job.outcome === 'failed' || job.phase === 'restarting')) {
    const sentence =
      job.outcome === 'failed'
        ? `The job failed: ${job.failure.message}`
        : `The job restarts: ${job.failure.message}`
    return [{ ...common, code: 'failure', severity: 'problem', sentence }]
  }
  if (job.phase === 'ended') {
    return [
      { ...common, code: 'ended', severity: 'note', sentence: `The job has ${job.outcome ?? 'ended'}.` },
    ]
  }
  if (job.pausedSources.length > 0) {
    const names = job.pausedSources.map((source) => `\`${source.slice(0, 60)}\``).join(', ')
    return [{ ...common, code: 'paused', severity: 'warning', sentence: `Paused by an action: ${names}.` }]
  }
  return job.readiness.reasons.map((sentence) => ({
    ...common,
    code: 'readiness',
    severity: 'note',
    sentence,
  }))
}

/** The sentence for a job without problems: what would be the bottleneck next. */
function calm(job: JobOverview): string {
  if (job.phase !== 'running') return `The job is ${job.phase}.`
  const tasks = figures.value?.tasks ?? []
  const busiest = tasks.reduce<(typeof tasks)[number] | undefined>(
    (best, task) => (best === undefined || task.shares.busy > best.shares.busy ? task : best),
    undefined,
  )
  if (busiest === undefined) return 'The job is running.'
  return `Nothing is wrong: the busiest task, \`${busiest.task.slice(0, 60)}\`, works ${percent(busiest.shares.busy)} of the time.`
}
