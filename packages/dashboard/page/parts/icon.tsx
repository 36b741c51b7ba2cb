import type { JSX } from 'preact'

/** Outlines on a grid of 24, drawn with the colour of the text. */
const paths = {
  overview: 'M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z',
  graph: 'M4 5h5v4H4zM15 5h5v4h-5zM15 15h5v4h-5zM9 7h6M12 7v10h3',
  operators: 'M4 6h16M4 12h16M4 18h16',
  splits: 'M4 12h5l4-6h7M9 12l4 6h7',
  checkpoints: 'M5 21V4h12l-2.5 4L17 12H5',
  events: 'M4 12h4l2-6 4 12 2-6h4',
  letters: 'M3 6h18v12H3zM3 7l9 7 9-7',
  state: 'M4 6c0-4 16-4 16 0v12c0 4-16 4-16 0zM4 6c0 4 16 4 16 0M4 12c0 4 16 4 16 0',
  logs: 'M5 7l4 5-4 5M12 18h7',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  sun: 'M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M19 5l-1.4 1.4M6.4 17.6L5 19',
  moon: 'M20 14.5A8 8 0 119.5 4a6.5 6.5 0 0010.5 10.5z',
  close: 'M6 6l12 12M18 6L6 18',
  fit: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  warning: 'M12 4l9 16H3zM12 10v4M12 17h.01',
  ok: 'M5 12.5l4.5 4.5L19 7.5',
  info: 'M12 3a9 9 0 100 18 9 9 0 000-18zM12 11v5M12 8h.01',
} as const

export type IconName = keyof typeof paths

/** A picture beside text: it says nothing to a screen reader. */
export function Icon({ name, size = 18 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}
