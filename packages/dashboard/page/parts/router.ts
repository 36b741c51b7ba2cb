import { signal } from '@preact/signals'

/** The place in the page: `#/splits` or `#/graph/enrich`. */
export interface Place {
  readonly page: string
  /** What is selected on it; '' if nothing is. */
  readonly selected: string
}

export const place = signal<Place>(parse(location.hash))
addEventListener('hashchange', () => (place.value = parse(location.hash)))

const selectedLength = 1_000

/** A name as it is in addresses: cut, and without the halves of surrogate pairs, which cannot be encoded. */
function inAddress(name: string): string {
  return name.slice(0, selectedLength).replace(/[\ud800-\udfff]/gu, '')
}

/** Whether this is the name that an address has selected. */
export function isSelected(name: string, selected: string): boolean {
  return inAddress(name) === selected
}

/** The address of a place, for links. */
export function linkTo(page: string, selected: string = ''): string {
  return `#/${page}${selected === '' ? '' : `/${encodeURIComponent(inAddress(selected))}`}`
}

/** Goes to a place. */
export function goTo(page: string, selected: string = ''): void {
  location.hash = linkTo(page, selected)
}

function parse(hash: string): Place {
  const [page = '', selected = ''] = hash.replace(/^#\/?/, '').split('/')
  try {
    return { page: page === '' ? 'overview' : page, selected: decodeURIComponent(selected) }
  } catch {
    return { page: 'overview', selected: '' }
  }
}
