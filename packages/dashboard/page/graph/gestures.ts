import type { Point } from './layout-messages.ts'

/** What the hand does: moves the view by so many pixels, or zooms by a factor around a point. */
export interface Gestures {
  readonly onMove: (dx: number, dy: number) => void
  readonly onZoom: (factor: number, around: Point) => void
  readonly onTap: (at: Point) => void
}

const tapSlack = 5

/**
 * Listens to mouse, pen, fingers and wheel on an element; returns how to stop. If it is embedded in a page that scrolls, the
 * wheel zooms only with the control key, and one finger scrolls.
 */
export function listen(element: HTMLElement, gestures: Gestures, isEmbedded: boolean): () => void {
  const abort = new AbortController()
  const { signal } = abort
  const pointers = new Map<number, Point>()
  let travelled = 0

  const place = (event: MouseEvent): Point => {
    const { left, top } = element.getBoundingClientRect()
    return [event.clientX - left, event.clientY - top]
  }
  const down = (event: PointerEvent): void => {
    if (event.button !== 0) return
    pointers.set(event.pointerId, place(event))
    travelled = 0
  }
  const move = (event: PointerEvent): void => {
    const before = pointers.get(event.pointerId)
    if (before === undefined) return
    const now = place(event)
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1]
    pointers.set(event.pointerId, now)
    travelled += Math.abs(now[0] - before[0]) + Math.abs(now[1] - before[1])
    // Not before it is a drag: a captured pointer does not click what is under it.
    if (travelled > tapSlack && !element.hasPointerCapture(event.pointerId))
      element.setPointerCapture(event.pointerId)
    if (other === undefined) gestures.onMove(now[0] - before[0], now[1] - before[1])
    else gestures.onZoom(distance(now, other) / distance(before, other), middle(now, other))
  }
  const up = (event: PointerEvent): void => {
    if (!pointers.delete(event.pointerId)) return
    if (event.type === 'pointerup' && travelled <= tapSlack && event.target === element)
      gestures.onTap(place(event))
  }
  const wheel = (event: WheelEvent): void => {
    if (isEmbedded && !event.ctrlKey && !event.metaKey) return
    event.preventDefault()
    if (event.ctrlKey || event.metaKey || !event.shiftKey) {
      gestures.onZoom(
        Math.exp(-Math.sign(event.deltaY) * Math.min(60, Math.abs(event.deltaY)) * 0.004),
        place(event),
      )
    } else gestures.onMove(-event.deltaX - event.deltaY, 0)
  }

  element.addEventListener('pointerdown', down, { signal })
  element.addEventListener('pointermove', move, { signal })
  element.addEventListener('pointerup', up, { signal })
  element.addEventListener('pointercancel', up, { signal })
  element.addEventListener('wheel', wheel, { signal, passive: false })
  return () => abort.abort()
}

function distance([x, y]: Point, [otherX, otherY]: Point): number {
  return Math.max(1, Math.hypot(x - otherX, y - otherY))
}

function middle([x, y]: Point, [otherX, otherY]: Point): Point {
  return [(x + otherX) / 2, (y + otherY) / 2]
}
