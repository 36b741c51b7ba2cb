import { SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { FileWorld } from '../test/file-world.ts'
import { FileCatalog } from './file-catalog.ts'
import { PathPattern } from './path-pattern.ts'

const paths = [
  'app.log',
  'logs/.hidden.log',
  'logs/a.log',
  'logs/a.log.1',
  'logs/b.log',
  'logs/b[1].log',
  'logs/deep/c.log',
  'logs/deep/er/d.log',
  'logs/.git/e.log',
  'logs/notes.txt',
]

async function matches(patterns: readonly string[], exclude?: string | string[]): Promise<string[]> {
  const fs = new SimFs()
  for (const path of paths) fs.put(path, path)
  const catalog = new FileCatalog({ patterns: patterns.map((text) => new PathPattern(text)), exclude })
  return (await catalog.list(new FileWorld(fs, true).context)).map(({ path }) => path)
}

describe('paths', () => {
  test.each([
    ['app.log', ['app.log']],
    ['./app.log', ['app.log']],
    ['logs/b[1].log', ['logs/b[1].log']],
    ['missing.log', []],
    ['missing/*.log', []],
    ['logs', ['logs/a.log', 'logs/a.log.1', 'logs/b.log', 'logs/b[1].log', 'logs/notes.txt']],
    ['logs/*.log', ['logs/a.log', 'logs/b.log', 'logs/b[1].log']],
    ['logs/?.log', ['logs/a.log', 'logs/b.log']],
    ['logs/a.log*', ['logs/a.log', 'logs/a.log.1']],
    ['logs/{a,notes}.{log,txt}', ['logs/a.log', 'logs/notes.txt']],
    ['logs/.*.log', ['logs/.hidden.log']],
    ['*/a.log', ['logs/a.log']],
    [
      '**/*.log',
      ['app.log', 'logs/a.log', 'logs/b.log', 'logs/b[1].log', 'logs/deep/c.log', 'logs/deep/er/d.log'],
    ],
    ['logs/**/d.log', ['logs/deep/er/d.log']],
    ['logs/deep/**', ['logs/deep/c.log', 'logs/deep/er/d.log']],
    ['logs/.git/*', ['logs/.git/e.log']],
    ['.', ['app.log']],
    ['logs/', ['logs/a.log', 'logs/a.log.1', 'logs/b.log', 'logs/b[1].log', 'logs/notes.txt']],
    ['{app,logs/{a,deep/c}}.log', ['app.log', 'logs/a.log', 'logs/deep/c.log']],
    ['logs/{deep/{er/,}*,b}.log', ['logs/b.log', 'logs/deep/c.log', 'logs/deep/er/d.log']],
    ['{app,logs/**/*}.log', paths.filter((path) => path.endsWith('.log') && !path.includes('/.'))],
    ['logs/[a-b].log', ['logs/a.log', 'logs/b.log']],
    ['logs/[!a].log', ['logs/b.log']],
    ['logs/a.log.{1..3}', ['logs/a.log.1']],
    ['logs/@(a|notes).*', ['logs/a.log', 'logs/a.log.1', 'logs/notes.txt']],
    ['logs/b\\[1].log', ['logs/b[1].log']],
    ['logs/{a,missing/{x,y}.log}.log', ['logs/a.log']],
  ])('%s', async (pattern, expected) => {
    expect(await matches([pattern])).toEqual(expected)
  })

  test.each([
    [['logs/*'], 'logs/a*', ['logs/b.log', 'logs/b[1].log', 'logs/notes.txt']],
    [['logs/*'], '*.{log,txt}', ['logs/a.log.1']],
    [['**/*.log'], ['logs', '*.txt'], ['app.log']],
    [['**/*.log'], './logs/deep/', ['app.log', 'logs/a.log', 'logs/b.log', 'logs/b[1].log']],
    [['**/*.log'], '**/deep/**', ['app.log', 'logs/a.log', 'logs/b.log', 'logs/b[1].log']],
    [['**/*.log'], 'er', paths.filter((path) => /^(?!.*\/(\.|er)).*\.log$/.test(path))],
    [['app.log', 'logs/a.log'], 'app.log', ['logs/a.log']],
    [['logs/.*'], '.h*', []],
  ])('%j without %j', async (patterns, exclude, expected) => {
    expect(await matches(patterns, exclude)).toEqual(expected)
  })

  test('several patterns find a file once', async () => {
    expect(await matches(['logs/*.log', 'logs/a*', 'app.log'])).toEqual([
      'app.log',
      'logs/a.log',
      'logs/a.log.1',
      'logs/b.log',
      'logs/b[1].log',
    ])
  })
})
