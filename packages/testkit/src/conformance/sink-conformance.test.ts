import { describe, expect, test } from 'vitest'
import { features, PromptSink, stagedSubject } from '../../test/staged-sink.ts'
import { describeCases } from './conformance-case.ts'
import { sinkConformance } from './sink-conformance.ts'

const create = async (): Promise<ReturnType<typeof stagedSubject>> => stagedSubject()

const unwritable = (): string => 'two\nlines'

describeCases('a staged sink', sinkConformance({ create, features, unwritable }), { describe, test })

describeCases(
  'a prompt sink',
  sinkConformance({
    create: async () => ({ ...stagedSubject(), sink: () => new PromptSink() }),
    features: { ...features, guarantee: 'at-least-once' },
    unwritable,
  }),
  { describe, test },
)

test('the sink kit skips what a sink does not promise, with a reason', () => {
  const cases = sinkConformance({
    create,
    features: { guarantee: 'at-least-once', keepsFiles: false, severalSubtasks: false },
  })
  const reasons = new Map(cases.map(({ name, skipped }) => [name, skipped]))
  expect(reasons.get('committing again changes nothing')).toBe('this sink promises at-least-once')
  expect(reasons.get('the guarantee survives a full disk')).toBe('this sink keeps no files')
  expect(reasons.get('subtasks write side by side')).toBe('there is one writer at a time')
  expect(reasons.get('the guarantee survives a crash between any two steps')).toBeUndefined()
})
