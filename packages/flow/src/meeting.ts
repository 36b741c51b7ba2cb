import { MillraceError } from '@millrace/core'
import type { NodeId } from '@millrace/core/graph'
import { KeyedHandle, type StreamHandle } from './handles.ts'
import type { OperatorParts } from './operators/operator-parts.ts'
import type { OperatorOptions, Timing } from './stream-options.ts'

/** Two keyed streams that are the inputs `left` and `right` of one operator. */
export class Meeting {
  readonly #left: KeyedHandle
  readonly #right: KeyedHandle

  /** Throws `GRAPH_INVALID` for incompatible streams; `method` is the called method. */
  constructor(method: string, left: unknown, right: unknown) {
    // The types require it; this is the check for untyped callers.
    if (!(left instanceof KeyedHandle) || !(right instanceof KeyedHandle)) {
      throw new MillraceError(
        'GRAPH_INVALID',
        `${method} needs two streams by key; call keyBy on each of them, with functions that return the same type of key`,
      )
    }
    left.stream.requireSamePipeline(method, [right.stream])
    if (left.timing !== right.timing) {
      const [timed, untimed] = left.timing === 'timed' ? ['first', 'second'] : ['second', 'first']
      throw new MillraceError(
        'GRAPH_INVALID',
        `${method} was given a ${timed} stream with event time and a ${untimed} one without; call withTimestamps on both`,
      )
    }
    this.#left = left
    this.#right = right
  }

  get timing(): Timing {
    return this.#left.timing
  }

  /** Adds an operator with both streams as inputs. */
  operator(name: string, options: OperatorOptions | undefined, parts: OperatorParts): NodeId {
    const inputs = [this.#left.input('left'), this.#right.input('right')] as const
    return this.#left.stream.operator(name, options, { ...parts, inputs })
  }

  main(id: NodeId): StreamHandle {
    return this.#left.stream.main(id)
  }

  sides(id: NodeId, outputs: readonly string[]): Record<string, StreamHandle> {
    return this.#left.stream.sides(id, outputs)
  }
}
