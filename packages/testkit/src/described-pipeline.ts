import type { Graph } from '@millrace/core/graph'

/** A pipeline of `@millrace/flow`, or any object that describes a new graph for each start. */
export interface DescribedPipeline {
  readonly name: string
  describe(parameters?: Readonly<Record<string, string | number | boolean>>): { readonly graph: Graph }
}
