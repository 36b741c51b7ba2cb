import { MillraceError } from '../errors/errors.ts'
import type { Graph } from '../graph/node.ts'
import type { Key } from '../record/key.ts'
import type { OperatorView, View } from '../state/view.ts'

/** The views of a pipeline, by name. */
export type AnyViews = Readonly<Record<string, View<unknown, Key>>>

/** The views of a job, which can be read while an attempt runs. */
export class Views {
  readonly #pipeline: string
  readonly #views: ReadonlyMap<string, OperatorView>

  constructor({ name, nodes }: Graph) {
    this.#pipeline = name
    const views = nodes.flatMap((node) => (node.kind === 'operator' && node.view ? [node.view] : []))
    this.#views = new Map(views.map((view) => [view.name, view]))
  }

  /** Throws `OPTION_INVALID` if the pipeline has no such view. */
  named(name: string): View<unknown, Key> {
    const view = this.#views.get(name)
    if (view !== undefined) return view
    const names = [...this.#views.keys()].map((each) => `'${each}'`).join(', ')
    throw new MillraceError(
      'OPTION_INVALID',
      `pipeline '${this.#pipeline}' has no view '${name}'; ${names === '' ? 'end a table with .toView(name)' : `it has ${names}`}`,
    )
  }

  opened(): void {
    for (const view of this.#views.values()) view.opened()
  }

  closed(obstacle: 'restarting' | 'ended'): void {
    for (const view of this.#views.values()) view.closed(obstacle)
  }
}
