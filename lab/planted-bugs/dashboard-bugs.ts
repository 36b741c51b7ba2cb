import type { TestedBug } from './planted-bug.ts'

/** Bugs in the page of the dashboard. */
export const dashboardBugs: readonly TestedBug[] = [
  {
    name: 'the dashboard shows a rounded count in the unit below it',
    plant: {
      file: 'dashboard/page/parts/format.ts',
      from: 'Math.abs(rest) >= step * 0.9995',
      to: 'Math.abs(rest) >= step',
    },
    files: ['packages/dashboard/test/page.test.ts'],
    shows: /moves to the next unit/,
  },
  {
    name: 'zooming the graph moves the point under the pointer',
    plant: {
      file: 'dashboard/page/graph/view.ts',
      from: 'const change = scale / view.scale',
      to: 'const change = factor',
    },
    files: ['packages/dashboard/test/page.test.ts'],
    shows: /keeps the point under the pointer/,
  },
  {
    name: 'the arrow key upwards leads to an operator below',
    plant: {
      file: 'dashboard/page/graph/keyboard.ts',
      from: "key === 'ArrowUp' ? -1 : 1",
      to: "key === 'ArrowUp' ? 1 : 1",
    },
    files: ['packages/dashboard/test/page.test.ts'],
    shows: /arrow keys lead along edges/,
  },
]
