import type { JSX } from 'preact'
import type { StateEntry } from '@millrace/control/contract'
import { Dialog } from '../parts/dialog.tsx'
import { visible } from '../parts/name.tsx'

const shownLength = 50_000

/** One value of the state, in full. */
export function ValueDialog({ entry, onClose }: { entry: StateEntry; onClose: () => void }): JSX.Element {
  const text = JSON.stringify(entry.value, null, 2) ?? 'undefined'
  const inner = entry.inner === null ? '' : ` / ${JSON.stringify(entry.inner)}`
  return (
    <Dialog
      title={visible(`${entry.table}: ${JSON.stringify(entry.key)}${inner}`, 200)}
      onClose={onClose}
      isWide
    >
      <pre tabIndex={0}>{text.length > shownLength ? `${text.slice(0, shownLength)}…` : text}</pre>
      <div class="dialog-buttons">
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  )
}
