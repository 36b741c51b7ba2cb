import { describe, expect, test } from 'vitest'
import { nearest } from './nearest.ts'

const options = ['data-dir', 'bounded', 'set', 'json', 'checkpoint-every', 'restart']

describe('nearest', () => {
  test.each([
    ['bonded', 'bounded'],
    ['boudned', 'bounded'],
    ['datadir', 'data-dir'],
    ['check', 'checkpoint-every'],
    ['jason', 'json'],
    ['x', undefined],
    ['elephant', undefined],
  ])('%s suggests %s', (word, expected) => {
    expect(nearest(word, options)).toBe(expected)
  })
})
