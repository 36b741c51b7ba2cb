import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pageDirectory } from '@millrace/dashboard'
import type { JobGraph, OperatorFigures, TimeHolder } from '@millrace/control/contract'
import { edgeFigures } from '../page/graph/edge-figures.ts'
import { neighbour } from '../page/graph/keyboard.ts'
import type { Layout } from '../page/graph/layout-messages.ts'
import { centred, fitted, isWhollySeen, nodeAt, zoomed } from '../page/graph/view.ts'
import { age, bytes, count, duration, exact, percent, rate } from '../page/parts/format.ts'

describe('numbers as text', () => {
  test('counts keep three digits, and a rounded one moves to the next unit', () => {
    expect([0, 7, 999, 1_000, 12_430, 999_960, 1_204_551].map(count)).toEqual([
      '0',
      '7',
      '999',
      '1 k',
      '12.4 k',
      '1.00 M',
      '1.20 M',
    ])
    expect(rate(3.456)).toBe('3.46/s')
    expect(exact(138_201_442)).toBe('138\u202f201\u202f442')
  })

  test('bytes are in binary units, shares in whole percent', () => {
    expect([512, 1_536, 312_400_000].map(bytes)).toEqual(['512 B', '1.50 KiB', '298 MiB'])
    expect([0, 0.974, 1.2].map(percent)).toEqual(['0 %', '97 %', '100 %'])
  })

  test('lengths of time have their two largest units', () => {
    expect(
      [12, 3_200, 61_000, 3_600_000, 11_531_000, 187_200_000, 95_920_625_416, -2_000].map(duration),
    ).toEqual(['12 ms', '3.20 s', '1 min 1 s', '1 h', '3 h 12 min', '2 d 4 h', '1110 d', '−2 s'])
    // Clocks of server and data may differ: nothing was done in the future.
    expect(age(2_000, 1_000)).toBe('0 ms ago')
  })

  test('what is not known is a dash', () => {
    expect([
      count(undefined),
      bytes(Number.NaN),
      duration(Infinity),
      percent(undefined),
      age(undefined, 0),
    ]).toEqual(Array.from({ length: 5 }, () => '–'))
  })
})

/** Two lines of three operators: 0 → 1 → 2 above 3 → 4 → 5. */
const layout: Layout = {
  id: '',
  width: 900,
  height: 300,
  nodes: [
    [100, 100],
    [400, 100],
    [700, 100],
    [100, 250],
    [400, 250],
    [700, 250],
  ],
  edges: [],
}

const graph: JobGraph = {
  job: 'lines',
  tasks: [],
  operators: layout.nodes.map((_, index) => ({
    id: `o${index}`,
    kind: 'step',
    type: 'map',
    task: `o${index}`,
    facts: [],
    keeps: null,
    onError: 'fail',
    hasState: false,
  })),
  edges: [
    [0, 1],
    [1, 2],
    [3, 4],
    [4, 5],
  ].map(([from, to]) => ({
    from: `o${from}`,
    to: `o${to}`,
    output: 'main',
    exchange: '',
    isInsideTask: false,
  })),
}

describe('the view of the graph', () => {
  const coordinate = fc.double({ min: -2_000, max: 2_000, noNaN: true })
  const view = fc.record({
    x: coordinate,
    y: coordinate,
    scale: fc.double({ min: 0.05, max: 2, noNaN: true }),
  })

  test('zooming keeps the point under the pointer where it is', () => {
    fc.assert(
      fc.property(
        view,
        fc.double({ min: 0.2, max: 5, noNaN: true }),
        coordinate,
        coordinate,
        (from, factor, x, y) => {
          const to = zoomed(from, factor, [x, y])
          expect((x - to.x) / to.scale).toBeCloseTo((x - from.x) / from.scale, 3)
          expect((y - to.y) / to.scale).toBeCloseTo((y - from.y) / from.scale, 3)
        },
      ),
    )
  })

  test('an operator that is brought to the middle is wholly seen and is what is under the middle', () => {
    const size = { width: 800, height: 400 }
    fc.assert(
      fc.property(view, fc.nat(5), (from, index) => {
        const to = centred(from, layout.nodes[index]!, size, Math.max(from.scale, 0.8))
        expect(isWhollySeen(to, layout.nodes[index]!, size)).toBe(true)
        expect(nodeAt(layout, to, [400, 200])).toBe(index)
      }),
    )
  })

  test('a graph that fits is shown whole, one that does not begins at its first operators', () => {
    expect(fitted(layout, { width: 1_000, height: 400 })).toEqual({ x: 50, y: 50, scale: 1 })
    expect(fitted(layout, { width: 300, height: 400 })).toMatchObject({ x: 0, scale: 0.64 })
    expect(fitted(layout, { width: 300, height: 400 }, true).scale).toBeCloseTo(1 / 3)
  })

  test('arrow keys lead along edges and to the line above or below', () => {
    const to = (from: number, key: string): number | undefined => neighbour(graph, layout, from, key)
    expect([
      to(0, 'ArrowRight'),
      to(1, 'ArrowLeft'),
      to(1, 'ArrowDown'),
      to(4, 'ArrowUp'),
      to(5, 'Home'),
    ]).toEqual([1, 0, 4, 1, 0])
    expect([to(2, 'ArrowRight'), to(0, 'ArrowUp'), to(0, 'a')]).toEqual([undefined, undefined, undefined])
  })
})

/** Figures of an operator of which a test names a few. */
const figuresOf = (named: Partial<OperatorFigures>): OperatorFigures =>
  ({ operator: 'a', inRate: 0, outRate: 0, watermarkLagMs: null, ...named }) as OperatorFigures

describe('an edge', () => {
  const holder = { source: 'from', split: 'slow' } as TimeHolder
  const sender = figuresOf({ outRate: 8, watermarkLagMs: 900 })
  const receiver = figuresOf({ inRate: 2 })
  const rateOf = (output: string, inputs: number): number | undefined =>
    edgeFigures(
      { from: 'from', to: 'to', output, exchange: '', isInsideTask: false },
      { sender, receiver, inputs, backPressure: 0 },
      [],
    ).rate

  test('has the rate that reaches an operator with one input, or else leaves on the main output', () => {
    expect([rateOf('main', 1), rateOf('late', 1), rateOf('main', 2)]).toEqual([2, 2, 8])
    // Which part of the input of a join came along a side output is not counted.
    expect(rateOf('errors', 2)).toBeUndefined()
  })

  test('has the lag and the waiting of its sender, and the split that holds back its source', () => {
    const edge = { from: 'from', to: 'to', output: 'main', exchange: '', isInsideTask: false }
    const ends = { sender, receiver, inputs: 1, backPressure: 0.4 }
    const found = { rate: 2, lagMs: 900, holder, backPressure: 0.4 }
    expect(edgeFigures(edge, ends, [holder])).toEqual(found)
    expect(edgeFigures({ ...edge, from: 'other' }, ends, [holder]).holder).toBeUndefined()
    expect(edgeFigures(edge, { ...ends, sender: undefined }, []).lagMs).toBeNull()
  })
})

describe('the files of the page', () => {
  const root = fileURLToPath(pageDirectory)
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (name) => path.extname(name) !== '',
  )
  const text = (name: string): string => readFileSync(path.join(root, name), 'utf8')

  test('together they are below 300 kB with gzip', () => {
    const weight = files.reduce((sum, name) => sum + gzipSync(text(name)).length, 0)
    expect(files.length).toBeGreaterThan(3)
    expect(weight).toBeLessThan(300_000)
  })

  test('they have no inline script or style, and load nothing from elsewhere', () => {
    const html = text('index.html')
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/)
    const loads = [...html.matchAll(/\s(?:src|href)="([^"]*)"/g)].map(([, address]) => address!)
    const styles = files
      .filter((name) => name.endsWith('.css'))
      .flatMap((name) => [...text(name).matchAll(/url\(([^)]*)\)/g)])
    expect(loads.length).toBeGreaterThan(1)
    expect(
      [...loads, ...styles.map(([, address]) => address!)].filter((address) => !address.startsWith('./')),
    ).toEqual([])
  })
})
