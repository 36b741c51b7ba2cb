import { describe, expect, test } from 'vitest'
import { memory } from '@millrace/connector-memory'
import { noPieces, statePiece, type Fingerprint } from '../state/fingerprint.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Graph } from './node.ts'
import { validateGraph } from './validate.ts'

const byKey: Exchange = { kind: 'key', by: () => 'a' }

/** A graph with a custom operator. */
function graphOf(fingerprint: Fingerprint | undefined, exchange = byKey): Graph {
  const onError = { kind: 'fail' } as const
  const create = () => ({ process: () => {} })
  return {
    name: 'p',
    nodes: [
      { kind: 'source', id: 0, name: 'in', onError, source: memory.read({}) },
      {
        kind: 'operator',
        id: 1,
        name: 'own',
        type: 'own',
        onError,
        inputs: [{ from: 0, output: 'main', exchange }],
        outputs: [],
        fingerprint,
        create,
      },
      {
        kind: 'sink',
        id: 2,
        name: 'out',
        onError,
        inputs: [{ from: 1, output: 'main', exchange: { kind: 'forward' } }],
        sink: memory.write(),
      },
    ],
  }
}

describe('a custom operator', () => {
  test('with a fingerprint, or without a key, is valid', () => {
    const piece = statePiece('value', { name: 'total' })
    for (const graph of [
      graphOf(noPieces),
      graphOf({ pieces: [piece], settings: [{ name: 'gap', value: 5, unit: 'ms' }] }),
      graphOf(undefined, { kind: 'forward' }),
    ]) {
      expect(() => validateGraph(graph)).not.toThrow()
    }
  })

  test('with a key and without a fingerprint is rejected', () => {
    expect(() => validateGraph(graphOf(undefined))).toThrow(
      expect.objectContaining({
        code: 'GRAPH_INVALID',
        message:
          "pipeline 'p' cannot run: operator 'own' has a key and no fingerprint; list its pieces of state and its settings in 'fingerprint'",
      }),
    )
  })

  test('with a fingerprint that a checkpoint could not compare is rejected', () => {
    const piece = statePiece('value', { name: 'total' })
    const refusals: readonly (readonly [unknown, string])[] = [
      [{}, "lacks the list 'pieces' or 'settings'"],
      [{ pieces: [{ ...piece, kind: '' }], settings: [] }, "has piece 'total' without a kind"],
      [{ pieces: [{ ...piece, version: 0 }], settings: [] }, "has piece 'total' without a kind"],
      [{ pieces: [{ ...piece, codecVersion: undefined }], settings: [] }, "has piece 'total'"],
      [
        { pieces: [], settings: [{ name: 'gap', value: Number.NaN }] },
        "has setting 'gap' whose value is not a string",
      ],
      [{ pieces: [], settings: [{ name: 'gap', value: undefined }] }, "has setting 'gap'"],
    ]
    for (const [fingerprint, message] of refusals) {
      expect(() => validateGraph(graphOf(fingerprint as Fingerprint))).toThrow(
        `the fingerprint of operator 'own' ${message}`,
      )
    }
  })
})
