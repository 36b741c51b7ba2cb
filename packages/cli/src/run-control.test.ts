import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ManualClock } from '@millrace/world'
import { expect, test } from 'vitest'
import { LogLines } from './log-lines.ts'
import { pageIn } from './run-control.ts'

test('the page of the dashboard: where its files are missing the API works without it, and one line says how to get them', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-page-'))
  try {
    let written = ''
    const output = { write: (text: string | Uint8Array) => (written += String(text)) }
    const lines = new LogLines(output, new ManualClock(), false)
    for (const missing of [directory, path.join(directory, 'page')]) {
      written = ''
      expect(await pageIn(missing, lines)).toBeUndefined()
      expect(written.trimEnd().split('\n')).toEqual([
        expect.stringMatching(/warning: the dashboard is not served.*npm run build$/),
      ])
      expect(written).toContain(path.join(missing, 'index.html'))
    }
    written = ''
    await writeFile(path.join(directory, 'index.html'), '<p>page</p>')
    expect(await pageIn(directory, lines)).toBe(directory)
    expect(written).toBe('')
  } finally {
    await rm(directory, { recursive: true })
  }
})
