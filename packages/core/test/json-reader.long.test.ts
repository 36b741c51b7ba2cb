import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { stdout } from 'node:process'
import { expect, test } from 'vitest'
import { compareLines, compareReaders } from './compare-readers.ts'

const longestMs = 3_600_000
const programs = 20_000
const linesOfEach = 500

test(
  'ten million drawn lines are read as JSON.parse reads them, or left to it',
  () => {
    const { lines, read, refused } = compareReaders(11, programs, linesOfEach)
    stdout.write(`${lines} lines: ${read} read by shape, ${refused} refused\n`)
    expect(read).toBeGreaterThan(lines / 5)
  },
  longestMs,
)

test('the JSON files of the repository are read as JSON.parse reads them', () => {
  const root = path.join(import.meta.dirname, '../../..')
  const found = readdirSync(path.join(root, 'examples'), { recursive: true, encoding: 'utf8' })
  const lines = found
    .filter((name) => /\.(nd)?jsonl?$/.test(name) && !name.includes('node_modules'))
    .flatMap((name) => readFileSync(path.join(root, 'examples', name), 'utf8').split('\n'))
  const { lines: compared } = compareLines(
    lines.map((line) => Buffer.from(line)),
    Buffer.alloc(1000),
  )
  expect(compared).toBeGreaterThan(100)
})
