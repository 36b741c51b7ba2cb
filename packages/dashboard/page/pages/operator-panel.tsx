import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { GraphOperator, OperatorDetail, OperatorFigures } from '@millrace/control/contract'
import { ActionDialog } from '../actions/action-dialog.tsx'
import { pauseSource, resumeSource, type JobAction } from '../actions/job-actions.ts'
import { bottleneck, figuresOfTask } from '../graph/figures.ts'
import { figures, graph, jobName, may, operatorFigures, overview } from '../live/job.ts'
import { usePolled } from '../live/polled.ts'
import { bytes, count, duration, exact, percent, rate } from '../parts/format.ts'
import { Icon } from '../parts/icon.tsx'
import { Name, Sentence, visible } from '../parts/name.tsx'
import { Empty, FailureNotice } from '../parts/notice.tsx'
import { isSelected, linkTo } from '../parts/router.ts'
import { SharesBar } from '../parts/shares.tsx'
import { RecordsSection } from './records-section.tsx'

const shownSubtasks = 64

/** Everything about one operator. */
export function OperatorPanel({ operator, onClose }: { operator: string; onClose: () => void }): JSX.Element {
  const known = graph.value?.operators.find(({ id }) => isSelected(id, operator))
  return (
    <aside class="panel" aria-label={`Operator ${visible(operator)}`}>
      <header>
        <h2>
          <Name text={operator} />
        </h2>
        <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {known === undefined ? <Empty title="The job has no such operator" /> : <Content operator={known} />}
    </aside>
  )
}

function Content({ operator }: { operator: GraphOperator }): JSX.Element {
  const job = jobName.value ?? ''
  const { data, failure } = usePolled<OperatorDetail>('operator', { job, operator: operator.id })
  const own = operatorFigures.value.get(operator.id)
  const task = figuresOfTask(operator.id)
  const holders = (figures.value?.holders ?? []).filter(({ source }) => source === operator.id)
  return (
    <>
      <p class="muted">
        {visible(operator.type)}
        {operator.facts.length === 0 ? '' : `: ${visible(operator.facts.join(', '), 300)}`}
        {operator.keeps === null ? '' : `. Keeps ${visible(operator.keeps, 200)}`}.
      </p>
      {bottleneck.value === operator.id ? (
        <p class="notice bad">This operator is the bottleneck: what is before it waits for it.</p>
      ) : null}
      {holders.map((holder, index) => (
        <p key={index} class="notice warn">
          <Sentence text={holder.sentence} />{' '}
        </p>
      ))}
      <SourceButtons operator={operator} />
      {task === undefined ? null : (
        <section>
          <h3>Time</h3>
          <SharesBar shares={task.shares} />
          <p class="num muted">
            busy {percent(task.shares.busy)} · back-pressured {percent(task.shares.backPressured)} · idle{' '}
            {percent(task.shares.idle)} · {exact(task.queued)} queued
          </p>
        </section>
      )}
      {own === undefined ? null : <FigureList own={own} />}
      {failure === undefined ? null : <FailureNotice failure={failure} />}
      {data === undefined ? null : <Details detail={data} />}
      <RecordsSection key={operator.id} operator={operator.id} />
      <p class="panel-links">
        {operator.kind === 'source' ? <a href={linkTo('splits', operator.id)}>Splits</a> : null}
        {operator.hasState ? <a href={linkTo('state', operator.id)}>Browse state</a> : null}
        {(own?.deadLettered ?? 0) > 0 ? <a href={linkTo('letters', operator.id)}>Dead letters</a> : null}
      </p>
    </>
  )
}

function SourceButtons({ operator }: { operator: GraphOperator }): JSX.Element | null {
  const [asked, setAsked] = useState<JobAction>()
  if (operator.kind !== 'source' || !may('pause') || overview.value?.phase === 'ended') return null
  const isPaused = overview.value?.pausedSources.includes(operator.id) === true
  return (
    <p>
      <button
        type="button"
        class="button small"
        onClick={() => setAsked(isPaused ? resumeSource(operator.id) : pauseSource(operator.id))}
      >
        {isPaused ? 'Resume' : 'Pause'} this source
      </button>
      {asked === undefined ? null : <ActionDialog asked={asked} onClose={() => setAsked(undefined)} />}
    </p>
  )
}

/** What is zero and was never counted is left out. */
function FigureList({ own }: { own: OperatorFigures }): JSX.Element {
  const rows: [label: string, value: string, isShown: boolean][] = [
    ['Records in', `${exact(own.recordsIn)} · ${rate(own.inRate)}`, own.recordsIn > 0],
    ['Records out', `${exact(own.recordsOut)} · ${rate(own.outRate)}`, true],
    [
      'Bytes',
      `${bytes(own.bytes ?? undefined)} · ${bytes(own.bytesRate ?? undefined)}/s`,
      own.bytes !== null,
    ],
    ['To read', `${count(own.lagRecords ?? undefined)} records`, own.lagRecords !== null],
    ['To read', bytes(own.lagBytes ?? undefined), own.lagBytes !== null],
    ['Splits', exact(own.splits ?? undefined), own.splits !== null],
    ['Watermark lag', duration(own.watermarkLagMs ?? undefined), own.watermarkLagMs !== null],
    ['Late', exact(own.late), own.late > 0],
    ['Skipped', exact(own.skipped), own.skipped > 0],
    ['Dead letters', exact(own.deadLettered), own.deadLettered > 0],
    ['Retries', exact(own.retries), own.retries > 0],
    ['Circuit breaker', own.breaker ?? '', own.breaker !== null],
    ['Calls under way', exact(own.inFlight), own.inFlight > 0],
    ['State', `${exact(own.stateCells)} values · ${bytes(own.stateBytes ?? undefined)}`, own.stateCells > 0],
    ['Timers', exact(own.timers), own.timers > 0],
  ]
  return (
    <section>
      <h3>Figures</h3>
      <dl class="facts num">
        {rows
          .filter(([, , isShown]) => isShown)
          .map(([label, value], index) => (
            <div key={index}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </section>
  )
}

function Details({ detail: { subtasks, tables } }: { detail: OperatorDetail }): JSX.Element {
  return (
    <>
      {subtasks.length < 2 ? null : (
        <section>
          <h3>Subtasks</h3>
          <div class="scroll-x" tabIndex={0} role="group" aria-label="Subtasks">
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">#</th>
                  <th scope="col">Time</th>
                  <th scope="col" class="right">
                    Busy
                  </th>
                  <th scope="col" class="right">
                    In
                  </th>
                  <th scope="col" class="right">
                    Queued
                  </th>
                  <th scope="col" class="right">
                    Lag
                  </th>
                </tr>
              </thead>
              <tbody>
                {subtasks.slice(0, shownSubtasks).map((each) => (
                  <tr key={each.subtask}>
                    <td class="num">{each.subtask}</td>
                    <td>
                      <SharesBar shares={each.shares} />
                    </td>
                    <td class="num right">{percent(each.shares.busy)}</td>
                    <td class="num right">{rate(each.inRate)}</td>
                    <td class="num right">{count(each.queued)}</td>
                    <td class="num right">{duration(each.watermarkLagMs ?? undefined)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
      {tables.length === 0 ? null : (
        <section>
          <h3>State</h3>
          <dl class="facts num">
            {tables.map(({ table, cells, bytes: size }) => (
              <div key={table}>
                <dt>
                  <Name text={table} length={40} />
                </dt>
                <dd>
                  {exact(cells)} values{size === null ? '' : ` · ${bytes(size)}`}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      )}
    </>
  )
}
