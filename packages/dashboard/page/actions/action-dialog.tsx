import type { JSX } from 'preact'
import { useId, useState } from 'preact/hooks'
import { Dialog } from '../parts/dialog.tsx'
import { visible } from '../parts/name.tsx'
import { perform } from './perform.ts'
import type { JobAction } from './job-actions.ts'

/** Asks before an action is sent, and says what it does. */
export function ActionDialog({ asked, onClose }: { asked: JobAction; onClose: () => void }): JSX.Element {
  const choices = asked.input?.choices
  const field = useId()
  const [input, setInput] = useState(choices?.[0] ?? '')
  const submit = (event: Event): void => {
    event.preventDefault()
    onClose()
    void perform(asked.actionOf(input.trim() === '' ? '' : input))
  }
  return (
    <Dialog title={asked.title} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{asked.consequence}</p>
        {asked.input === undefined ? null : (
          <div class="field">
            <label for={field}>{asked.input.label}</label>
            {choices === undefined ? (
              <input
                id={field}
                type="text"
                required={asked.input.isOptional !== true}
                value={input}
                onInput={(event) => setInput(event.currentTarget.value)}
              />
            ) : (
              <select id={field} value={input} onChange={(event) => setInput(event.currentTarget.value)}>
                {choices.map((choice) => (
                  <option key={choice} value={choice}>
                    {visible(choice, 80)}
                  </option>
                ))}
              </select>
            )}
          </div>
        )}
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class={`button ${asked.isDangerous ? 'danger' : 'primary'}`}>
            {asked.confirm}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
