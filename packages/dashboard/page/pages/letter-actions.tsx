import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Action, ActionResult, LetterSelection } from '@millrace/control/contract'
import { perform } from '../actions/perform.ts'
import { may } from '../live/job.ts'
import { Dialog } from '../parts/dialog.tsx'
import { exact } from '../parts/format.ts'
import { Name, Sentence } from '../parts/name.tsx'

interface LetterActionsProps {
  readonly selection: LetterSelection
  readonly count: number
  readonly onDone: () => void
}

type Asked = 'redrive' | 'drop'

/** Rehearse, redrive and drop, for one letter or many. */
export function LetterActions({ selection, count, onDone }: LetterActionsProps): JSX.Element {
  const [asked, setAsked] = useState<Asked>()
  const [rehearsed, setRehearsed] = useState<ActionResult>()
  const [isWorking, setWorking] = useState(false)
  const letters = count === 1 ? 'this letter' : `these ${exact(count)} letters`
  const send = async (action: Action): Promise<ActionResult | undefined> => {
    setWorking(true)
    const result = await perform(action)
    setWorking(false)
    return result
  }
  const rehearse = async (): Promise<void> =>
    setRehearsed(await send({ action: 'redrive', letters: selection, rehearse: true }))
  const confirm = async (action: Asked): Promise<void> => {
    setAsked(undefined)
    setRehearsed(undefined)
    if ((await send({ action, letters: selection })) !== undefined) onDone()
  }
  return (
    <span class="button-row">
      <button type="button" class="button small" disabled={isWorking} onClick={() => void rehearse()}>
        Rehearse
      </button>
      <button type="button" class="button small" disabled={isWorking} onClick={() => setAsked('redrive')}>
        Redrive…
      </button>
      {may('drop') ? (
        <button
          type="button"
          class="button small danger-text"
          disabled={isWorking}
          onClick={() => setAsked('drop')}
        >
          Drop…
        </button>
      ) : null}
      {asked === undefined ? null : (
        <Dialog
          title={asked === 'redrive' ? `Redrive ${letters}?` : `Drop ${letters}?`}
          onClose={() => setAsked(undefined)}
        >
          <p>
            {asked === 'redrive'
              ? 'They go through the pipeline again, from where they failed. Rehearse first: it shows what would come out, and changes nothing.'
              : 'They are deleted and cannot be redriven any more.'}
          </p>
          <div class="dialog-buttons">
            <button type="button" class="button" onClick={() => setAsked(undefined)}>
              Cancel
            </button>
            <button
              type="button"
              class={`button ${asked === 'drop' ? 'danger' : 'primary'}`}
              onClick={() => void confirm(asked)}
            >
              {asked === 'redrive' ? 'Redrive' : 'Drop'}
            </button>
          </div>
        </Dialog>
      )}
      {rehearsed === undefined ? null : (
        <Rehearsal
          result={rehearsed}
          onClose={() => setRehearsed(undefined)}
          onRedrive={() => void confirm('redrive')}
        />
      )}
    </span>
  )
}

interface RehearsalProps {
  readonly result: ActionResult
  readonly onClose: () => void
  readonly onRedrive: () => void
}

/** What would come out if the letters were redriven now. */
function Rehearsal({ result, onClose, onRedrive }: RehearsalProps): JSX.Element {
  const { rehearsal, refused } = result
  return (
    <Dialog title="What a redrive would do" onClose={onClose} isWide>
      <p>
        <Sentence text={result.text} />
      </p>
      {rehearsal === null ? null : (
        <>
          {rehearsal.error === null ? null : <p class="notice bad">{rehearsal.error.slice(0, 2_000)}</p>}
          <ul class="facts-list">
            {rehearsal.written.map(({ sink, records }) => (
              <li key={sink}>
                <b class="num">{exact(records)}</b> written to <Name text={sink} length={60} />
              </li>
            ))}
            {rehearsal.failed.map(({ operator, code, message }, index) => (
              <li key={index} class="bad">
                fails again in <Name text={operator} length={60} />: <code>{code.slice(0, 60)}</code>{' '}
                <Name text={message} length={300} />
              </li>
            ))}
          </ul>
        </>
      )}
      {refused.length === 0 ? null : (
        <p class="notice warn">
          {refused.length} cannot be redriven: {refused[0]!.why.slice(0, 300)}
        </p>
      )}
      <div class="dialog-buttons">
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
        <button type="button" class="button primary" onClick={onRedrive}>
          Redrive
        </button>
      </div>
    </Dialog>
  )
}
