import type { JSX } from 'preact'
import type { LetterDetail, LetterRow } from '@millrace/control/contract'
import { jobName, may, now } from '../live/job.ts'
import { usePolled } from '../live/polled.ts'
import { Dialog } from '../parts/dialog.tsx'
import { clock } from '../parts/format.ts'
import { visible } from '../parts/name.tsx'
import { FailureNotice } from '../parts/notice.tsx'
import { LetterActions } from './letter-actions.tsx'

const shownLength = 20_000

interface LetterDialogProps {
  readonly letter: LetterRow
  readonly onClose: () => void
  readonly onDone: () => void
}

/** One dead letter: the record, where it came from, and why it failed. */
export function LetterDialog({ letter, onClose, onDone }: LetterDialogProps): JSX.Element {
  const { data, failure } = usePolled<LetterDetail>(
    'letter',
    { job: jobName.value ?? '', id: letter.id },
    {},
    0,
  )
  const facts: [string, string | null][] = [
    ['Failed', clock(letter.failedAt, now.value)],
    ['In', `${letter.operator} (${letter.place})`],
    ['Source', letter.source],
    ['Split', letter.split],
    ['Position', letter.position],
    ['Key', letter.key],
    ['Tries', `${letter.attempts}, redriven ${letter.redrives} times`],
    ['Cannot be redriven', letter.obstacle],
  ]
  return (
    <Dialog title={visible(letter.message, 200)} onClose={onClose} isWide>
      <dl class="facts">
        {facts.map(([label, value]) =>
          value === null ? null : (
            <div key={label}>
              <dt>{label}</dt>
              <dd>
                <bdi>{visible(value, 500)}</bdi>
              </dd>
            </div>
          ),
        )}
      </dl>
      <h3>Record</h3>
      <pre tabIndex={0}>{shown(data?.value ?? letter.value) ?? 'It cannot be shown as text.'}</pre>
      {data === undefined || data.stack === '' ? null : (
        <>
          <h3>Stack</h3>
          <pre tabIndex={0}>{shown(data.stack)}</pre>
        </>
      )}
      {failure === undefined ? null : <FailureNotice failure={failure} />}
      <div class="dialog-buttons">
        {may('redrive') ? (
          <LetterActions
            selection={{ ids: [letter.id] }}
            count={1}
            onDone={() => {
              onDone()
              onClose()
            }}
          />
        ) : null}
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  )
}

function shown(text: string | null): string | null {
  if (text === null || text.length <= shownLength) return text
  return `${text.slice(0, shownLength)}…\n(${text.length - shownLength} more characters)`
}
