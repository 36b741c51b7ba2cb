import { describe, expect, test } from 'vitest'
import { linesIn, features } from '../../test/line-source.ts'
import { describeCases } from './conformance-case.ts'
import { sourceConformance } from './source-conformance.ts'
import type { SourceFeatures } from './source-life.ts'

describeCases('a source of lines', sourceConformance({ create: linesIn, features }), { describe, test })

test('the source kit skips what a source cannot do, with a reason', () => {
  const none: SourceFeatures = {
    durability: 'volatile',
    ends: false,
    severalSplits: false,
    failures: false,
    grows: false,
    acknowledges: false,
  }
  const cases = sourceConformance({ create: linesIn, features: none })
  expect(cases.filter(({ skipped }) => skipped !== undefined).map(({ skipped }) => skipped)).toEqual([
    'this source does not end',
    'there is one split',
    'nothing here can fail to decode',
    'this source is volatile',
    'this source is volatile',
    'this source is volatile',
    'this source is volatile',
    'there is no acknowledge',
    'nothing can be added',
    'nothing can be added',
  ])
})
