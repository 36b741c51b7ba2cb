import type { ConnectorContext, Source } from '@millrace/core/connector'
import { expect, test } from 'vitest'
import { boxedSource } from './boxed-source.ts'

test('a boxed source reports the splits and readers of its source unchanged', async () => {
  const source: Source<number, number> = {
    kind: 'numbers',
    durability: 'replayable',
    positionVersion: 3,
    discoverEveryMs: 70,
    maxOpenReaders: 5,
    discover: async () => ({ splits: ['a', 'b'], isComplete: false }),
    changed: async (splits) => splits.map(({ split }) => split),
    gone: async (splits) => splits.slice(1),
    splitLabel: (split) => `file ${split}`,
    open: async () => ({
      mustStayOpen: true,
      poll: () => ({ kind: 'pending', isCaughtUp: true }),
      ready: async () => {},
      position: () => 0,
      close: async () => {},
    }),
  }
  const context = {} as ConnectorContext
  const boxed = boxedSource(source, 'in', { brought: () => {}, steps: () => 0 })
  expect(boxed).toMatchObject({
    kind: 'numbers',
    durability: 'replayable',
    positionVersion: 3,
    discoverEveryMs: 70,
    maxOpenReaders: 5,
  })
  expect(await boxed.changed!([{ split: 'a', position: 1 }], context)).toEqual(['a'])
  expect(boxed.splitLabel!('a')).toBe('file a')
  expect(await boxed.gone!(['a', 'b'], context)).toEqual(['b'])
  expect((await boxed.open('a', undefined, context)).mustStayOpen).toBe(true)
})
