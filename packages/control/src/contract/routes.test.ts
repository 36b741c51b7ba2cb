import { expect, test } from 'vitest'
import { pathOf, routes } from './routes.ts'

test('path of a route: parts are encoded, and a missing part is an error', () => {
  expect(pathOf('jobs')).toBe('/api/jobs')
  expect(pathOf('stateOfKey', { job: 'a/b', operator: 'per card', key: '%2e' })).toBe(
    '/api/jobs/a%2Fb/state/per%20card/%252e',
  )
  expect(() => pathOf('job')).toThrow("route 'job' needs 'job'")
})

test('routes: each path is named once', () => {
  const paths = Object.values(routes)
  expect(new Set(paths).size).toBe(paths.length)
})
