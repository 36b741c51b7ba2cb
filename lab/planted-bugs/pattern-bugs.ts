import type { TestedBug } from './planted-bug.ts'

const property = ['packages/flow/src/pattern/pattern.property.test.ts']
const anyPattern = /finds what trying everything finds/

/** Mistakes in the detection of patterns. */
export const patternBugs: readonly TestedBug[] = [
  {
    name: 'a relaxed stage ignores an event that it could take',
    plant: {
      file: 'flow/src/pattern/matcher.ts',
      from: 'return isTaken ? takes : keeps',
      to: 'return isTaken ? takes | keeps : keeps',
    },
    files: property,
    shows: anyPattern,
  },
  {
    name: 'a greedy loop is left while it can take an event',
    plant: {
      file: 'flow/src/pattern/matcher.ts',
      from: 'if (leaves.length > 0 && this.#hasLoop(edges, leaves, takes)) fates[i] = 0',
      to: '',
    },
    files: property,
    shows: anyPattern,
  },
  {
    name: 'a match does not wait for partial matches that began earlier',
    plant: {
      file: 'flow/src/pattern/match-operator.ts',
      from: 'if (run !== undefined && startsBefore(partials.nodes.get(run)!, match)) return',
      to: 'if (run === -1) return',
    },
    files: property,
    shows: anyPattern,
  },
  {
    name: 'a node of a dropped partial match keeps its event',
    plant: {
      file: 'flow/src/pattern/partial-matches.ts',
      from: 'this.#events.release(node.time, node.index)',
      to: '',
    },
    files: ['packages/flow/src/pattern/match-operator.test.ts'],
    shows: /EN-170/,
  },
  {
    name: 'partial matches that are restored have no end',
    plant: {
      file: 'flow/src/pattern/match-operator.ts',
      from: 'if (this.#parts.withinMs !== undefined) this.#expiring.add(time)\n      yield',
      to: 'yield',
    },
    files: ['packages/flow/src/pattern/match-operator.test.ts'],
    shows: /EN-171/,
  },
]
