import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { CheckpointList, CheckpointRow } from '@millrace/control/contract'
import { jobName, now, overview } from '../live/job.ts'
import { usePolled } from '../live/polled.ts'
import { bytes, clock, duration, exact } from '../parts/format.ts'
import { Name, Sentence, visible } from '../parts/name.tsx'
import { Answer } from '../parts/answer.tsx'
import { Empty } from '../parts/notice.tsx'
import { DurationBars } from './duration-bars.tsx'

/** The checkpoints of this process, and why one was slow. */
export function CheckpointsPage(): JSX.Element {
  const list = usePolled<CheckpointList>('checkpoints', { job: jobName.value ?? '' }, {}, 1_000)
  return (
    <div class="stack">
      <Answer of={list}>{(data) => <Checkpoints list={data} />}</Answer>
    </div>
  )
}

function Checkpoints({ list }: { list: CheckpointList }): JSX.Element {
  const every = overview.value?.checkpointEveryMs
  return (
    <section class="card">
      <h2>Checkpoints</h2>
      <p class="muted num">
        {exact(list.completed)} completed, {exact(list.aborted)} aborted since the process started
        {every === undefined ? '' : `; one every ${duration(every)}`}.
      </p>
      <Running list={list} />
      {list.checkpoints.length === 0 ? (
        <Empty title="No checkpoint yet">The first one follows soon after the start.</Empty>
      ) : (
        <>
          <DurationBars checkpoints={list.checkpoints} />
          <CheckpointTable rows={list.checkpoints} />
        </>
      )}
    </section>
  )
}

function CheckpointTable({ rows }: { rows: readonly CheckpointRow[] }): JSX.Element {
  const [open, setOpen] = useState<number>()
  return (
    <div class="scroll-x" tabIndex={0} role="group" aria-label="Checkpoints">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Checkpoint</th>
            <th scope="col">At</th>
            <th scope="col">Outcome</th>
            <th scope="col" class="right">
              Took
            </th>
            <th scope="col" class="right">
              Align and encode
            </th>
            <th scope="col" class="right">
              Written
            </th>
            <th scope="col">Slowest part</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <CheckpointLines
              key={`${row.checkpoint} ${row.at}`}
              row={row}
              isOpen={open === row.checkpoint}
              onToggle={() => setOpen(open === row.checkpoint ? undefined : row.checkpoint)}
            />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Running({ list: { running } }: { list: CheckpointList }): JSX.Element | null {
  if (running === null) return null
  const missing = running.missing.map((part) => visible(part, 60)).join(', ')
  return (
    <p class="notice" role="status">
      Checkpoint {running.checkpoint} runs for {duration(now.value - running.startedAt)}
      {missing === ''
        ? '.'
        : `: it waits for ${running.missing.length} of ${running.participants} parts (${missing}).`}
    </p>
  )
}

interface CheckpointLinesProps {
  readonly row: CheckpointRow
  readonly isOpen: boolean
  readonly onToggle: () => void
}

function CheckpointLines({ row, isOpen, onToggle }: CheckpointLinesProps): JSX.Element {
  const slowest = row.slowest[0]
  return (
    <>
      <tr>
        <td class="num">
          <button type="button" class="disclose" aria-expanded={isOpen} onClick={onToggle}>
            {row.checkpoint}
          </button>
          {row.kind === 'savepoint' ? <span class="pill small">savepoint</span> : null}
        </td>
        <td class="num">{clock(row.at, now.value)}</td>
        <td>
          <span class={`pill small ${row.outcome === 'completed' ? 'good' : 'bad'}`}>{row.outcome}</span>
        </td>
        <td class="num right">{duration(row.durationMs)}</td>
        <td class="num right">{duration(row.alignAndEncodeMs ?? undefined)}</td>
        <td class="num right">{bytes(row.bytes ?? undefined)}</td>
        <td>
          {slowest === undefined ? '–' : <Name text={`${slowest.task}/${slowest.subtask}`} length={40} />}
        </td>
      </tr>
      {isOpen ? (
        <tr class="detail">
          <td colSpan={7}>
            <Slowest row={row} />
          </td>
        </tr>
      ) : null}
    </>
  )
}

function Slowest({ row }: { row: CheckpointRow }): JSX.Element {
  const longest = Math.max(1, ...row.slowest.map((part) => part.alignedMs + part.encodeMs))
  return (
    <>
      {row.reason === null ? null : (
        <p>
          <Sentence text={row.reason} />
        </p>
      )}
      {row.cause === null ? null : (
        <p>
          Most of its time: <Sentence text={row.cause} />.
        </p>
      )}
      {row.largest.length === 0 ? null : (
        <p class="muted num">
          State: {row.largest.map((each) => `${visible(each.operator, 40)} ${bytes(each.bytes)}`).join(', ')}
        </p>
      )}
      {row.slowest.length === 0 ? (
        <p class="muted">The parts of this checkpoint were not measured.</p>
      ) : (
        <ul class="parts">
          {row.slowest.map(({ task, subtask, alignedMs, encodeMs }) => (
            <li key={`${task}/${subtask}`}>
              <Name text={`${task}/${subtask}`} length={40} />
              <span class="parts-bar" aria-hidden="true">
                <span class="align" style={{ width: `${(alignedMs / longest) * 100}%` }} />
                <span class="encode" style={{ width: `${(encodeMs / longest) * 100}%` }} />
              </span>
              <span class="num muted">
                {duration(alignedMs)} until aligned, {duration(encodeMs)} to encode
              </span>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
