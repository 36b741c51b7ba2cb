import { computed, effect, signal } from '@preact/signals'

type Theme = 'system' | 'light' | 'dark'

const stored = 'millrace-theme'
const system = matchMedia('(prefers-color-scheme: dark)')
const systemIsDark = signal(system.matches)
system.addEventListener('change', (event) => (systemIsDark.value = event.matches))

const theme = signal<Theme>(readTheme())

/** Whether the page is dark now. */
export const isDark = computed(() => (theme.value === 'system' ? systemIsDark.value : theme.value === 'dark'))

// Before anything is drawn again, since canvases read their colours from the page.
effect(() => {
  document.documentElement.dataset['theme'] = isDark.value ? 'dark' : 'light'
})

/** Uses a theme, and keeps it for the next visit. */
export function setTheme(next: Theme): void {
  theme.value = next
  try {
    localStorage.setItem(stored, next)
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}

/** The value of a colour of the style sheet now, for what is drawn on a canvas. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}

function readTheme(): Theme {
  try {
    const kept = localStorage.getItem(stored)
    return kept === 'light' || kept === 'dark' ? kept : 'system'
  } catch {
    return 'system'
  }
}
