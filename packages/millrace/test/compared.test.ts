import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

const text = readFileSync(path.resolve(import.meta.dirname, '../../../docs/guide/compared.md'), 'utf8')

/** The rows of the table: a program, its section, and the lines that each of the three takes. */
const rows = [...text.matchAll(/^\| \[([\w ]+)\]\(#([\w-]+)\) \| (\d+) \| (\d+) \| (\d+) \|$/gm)].map(
  ([, program, section, ...counts]) => ({ program: program!, section: section!, counts: counts.map(Number) }),
)

function sectionOf(anchor: string): string {
  const sections = text.split(/^## /m)
  return sections.find((each) => each.split('\n')[0]!.toLowerCase().replaceAll(' ', '-') === anchor) ?? ''
}

/** Lines that are neither blank nor a comment. */
function linesOf(code: string): number {
  return code.split('\n').filter((line) => line.trim() !== '' && !/^\s*(?:\/\/|#)/.test(line)).length
}

function countIn(section: string, fence: RegExp): number {
  return linesOf(fence.exec(section)?.[1] ?? '')
}

describe('the comparison with Kafka Streams and Bytewax', () => {
  test('has five programs', () => {
    expect(rows).toHaveLength(5)
  })

  test.each(rows)('$program: the table has the lines of each program, and ours are the fewest', (row) => {
    const section = sectionOf(row.section)
    const ours = countIn(section, /Millrace, `[\w.-]+`:\n\n```ts\n([^]*?)^```$/m)
    const rivals = [/^```java\n([^]*?)^```$/m, /^```python\n([^]*?)^```$/m].map((fence) =>
      countIn(section, fence),
    )
    expect([ours, ...rivals]).toEqual(row.counts)
    expect(ours).toBeGreaterThan(0)
    expect(ours).toBeLessThanOrEqual(Math.min(...rivals))
  })
})
