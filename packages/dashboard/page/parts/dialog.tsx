import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

interface DialogProps {
  readonly title: string
  readonly children: ComponentChildren
  readonly onClose: () => void
  readonly isWide?: boolean
}

/** A window above the page. Escape closes it; the browser keeps the focus inside, and gives it back. */
export function Dialog({ title, children, onClose, isWide = false }: DialogProps): JSX.Element {
  const box = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const before = document.activeElement
    const dialog = box.current!
    dialog.showModal()
    // On the dialog itself is beside its body: on the backdrop.
    dialog.addEventListener('click', ({ target }) => target === dialog && dialog.close())
    return () => {
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    <dialog ref={box} class={isWide ? 'wide' : ''} aria-labelledby={titleId} onClose={onClose}>
      <div class="dialog-body">
        <h2 id={titleId}>{title}</h2>
        {children}
      </div>
    </dialog>
  )
}
