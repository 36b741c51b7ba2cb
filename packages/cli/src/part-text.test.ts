import type { OperatorEntry } from '@millrace/core/job'
import { expect, test } from 'vitest'
import { partText } from './part-text.ts'

const plain = { version: 1, codec: 'structured', codecVersion: 1 }

test('partText describes a part of a checkpoint in the terms of the program', () => {
  const none = { pieces: [], settings: [], earlier: [], keys: [], keySelector: null, inputs: [] }
  const entries: readonly OperatorEntry[] = [
    {
      ...none,
      name: 'per-card',
      kind: 'operator',
      type: 'window',
      pieces: [
        { role: 'state', name: 'slices', kind: 'slices', ...plain, codec: 'accumulators' },
        { role: 'aggregate', name: 'n', kind: 'count', ...plain },
        { role: 'aggregate', name: 'cards', kind: 'distinct', ...plain, version: 2 },
      ],
      settings: [
        { name: 'window kind', value: 'tumbling' },
        { name: 'window size', value: 60_000, unit: 'ms' },
        { name: 'allowed lateness', value: 3_600_000, unit: 'ms', mayChange: true },
      ],
      earlier: [{ setting: 'allowed lateness', value: 0, until: [] }],
      keys: ['string', 'object {card, shop}'],
      keySelector: '0',
    },
    {
      ...none,
      name: 'velocity',
      kind: 'operator',
      type: 'process',
      pieces: [
        { role: 'state', name: 'recent', kind: 'value', ...plain, codec: 'numbers', codecVersion: 3 },
        { role: 'state', name: 'all', kind: 'list', ...plain },
      ],
    },
    {
      ...none,
      name: 'paid',
      kind: 'operator',
      type: 'interval join',
      inputs: [
        { name: 'left', from: ['orders'] },
        { name: 'right', from: ['cash', 'cards'] },
      ],
    },
    { ...none, name: 'log', kind: 'sink', type: 'console' },
    {
      ...none,
      name: 'payments',
      kind: 'source',
      type: 'files',
      pieces: [{ role: 'state', name: 'positions', kind: 'positions', ...plain, codecVersion: 2 }],
    },
  ]
  expect(entries.map(partText)).toEqual([
    'per-card: window, keys string and object {card, shop}; aggregates n (count), cards (distinct version 2); window kind tumbling, window size 1m, allowed lateness 1h (0ms before)',
    'velocity: process; state recent (value, codec numbers version 3), all (list)',
    'paid: interval join; inputs left (orders), right (cash and cards)',
    'log: console',
    'payments: files, positions of version 2',
  ])
})
