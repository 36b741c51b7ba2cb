import type { CallFrame } from '@millrace/core/disk'
import type { ThreadProfile } from '@millrace/core/job'
import type { ProfileFile } from '../contract/profile.ts'
import type { OwnedSample } from './owners.ts'

interface Node {
  readonly id: number
  readonly callFrame: CallFrame
  hitCount: number
  readonly children: Map<string, Node>
}

/** Makes a `.cpuprofile` in which the parts of the pipeline are below the root. */
export class ProfileFileWriter {
  readonly #nodes: Node[] = []
  readonly #root: Node
  readonly #samples: number[] = []

  constructor() {
    this.#root = this.#node(named('(root)'))
  }

  add({ owner, stack }: OwnedSample): void {
    let at = this.#child(this.#root, named(owner.kind === 'operator' ? `'${owner.name}'` : owner.name))
    if (owner.kind !== 'idle') for (const frame of stack) at = this.#child(at, frame)
    at.hitCount++
    this.#samples.push(at.id)
  }

  file({ cpu: { startTime, endTime, timeDeltas } }: ThreadProfile): ProfileFile {
    return {
      nodes: this.#nodes.map(({ id, callFrame, hitCount, children }) => ({
        id,
        callFrame,
        hitCount,
        children: Array.from(children.values(), (child) => child.id),
      })),
      startTime,
      endTime,
      samples: this.#samples,
      timeDeltas,
    }
  }

  #child(parent: Node, frame: CallFrame): Node {
    const { scriptId, lineNumber, columnNumber, functionName } = frame
    const key = `${scriptId}:${lineNumber}:${columnNumber}:${functionName}`
    let child = parent.children.get(key)
    if (child === undefined) parent.children.set(key, (child = this.#node(frame)))
    return child
  }

  #node(callFrame: CallFrame): Node {
    const node: Node = { id: this.#nodes.length + 1, callFrame, hitCount: 0, children: new Map() }
    this.#nodes.push(node)
    return node
  }
}

/** A frame that is no function. Their script has the number 0, and no line. */
function named(functionName: string): CallFrame {
  return { functionName, scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 }
}
