import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { JobOverview } from '@millrace/control/contract'
import { Icon } from '../parts/icon.tsx'
import { ActionDialog } from './action-dialog.tsx'
import { perform } from './perform.ts'
import { jobActions, type JobAction } from './job-actions.ts'

/** The actions on the whole job: the harmless one at hand, the others in a menu, each with a confirmation. */
export function ActionMenu({ job }: { job: JobOverview }): JSX.Element {
  const [asked, setAsked] = useState<JobAction>()
  const menu = useRef<HTMLDetailsElement>(null)
  const closeMenu = (): void => {
    if (menu.current !== null) menu.current.open = false
  }
  useEffect(() => {
    const outside = (event: Event): void => {
      if (!menu.current?.contains(event.target as Node)) closeMenu()
    }
    const escape = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || menu.current?.open !== true) return
      closeMenu()
      menu.current.querySelector('summary')?.focus()
    }
    document.addEventListener('pointerdown', outside)
    document.addEventListener('keydown', escape)
    return () => {
      document.removeEventListener('pointerdown', outside)
      document.removeEventListener('keydown', escape)
    }
  }, [])
  return (
    <>
      <button type="button" class="button wide-only" onClick={() => void perform({ action: 'checkpoint' })}>
        Checkpoint now
      </button>
      <details class="menu" ref={menu}>
        <summary class="icon-button" aria-label="More actions">
          <Icon name="more" />
        </summary>
        <ul>
          {jobActions(job).map((action) => (
            <li key={action.title}>
              <button
                type="button"
                class={action.isDangerous ? 'danger' : ''}
                onClick={() => {
                  closeMenu()
                  setAsked(action)
                }}
              >
                {action.title}…
              </button>
            </li>
          ))}
        </ul>
      </details>
      {asked === undefined ? null : <ActionDialog asked={asked} onClose={() => setAsked(undefined)} />}
    </>
  )
}
