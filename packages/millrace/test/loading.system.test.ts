import { describe, expect, test } from 'vitest'
import { millrace, pipelineFile, project } from './command.ts'

const numbers = pipelineFile('numbers.ts')

describe('loading a pipeline file', () => {
  const tiny = `import { pipeline, MillraceError } from 'millrace'
    import { generator } from '@millrace/connector-generator'
    const nowhere = { kind: 'nowhere', guarantee: 'at-least-once' as const,
      open: async () => ({ write() {}, prepare: async () => undefined, close: async () => {} }) }
    const make = (name: string) => pipeline(name, (p) => {
      p.from('numbers', generator.generate({ seed: 1, count: 3, make: ({ index }) => index })).to('out', nowhere)
    })\n`

  function untyped(text: string): string {
    return text.replace(' as const', '').replace('(name: string)', '(name)')
  }

  async function runFile(text: string, manifest?: string): Promise<{ code: unknown; err: string }> {
    const files = { 'job.ts': text, ...(manifest === undefined ? {} : { 'package.json': manifest }) }
    return millrace(['run', 'job.ts', '--bounded'], await project(files))
  }

  test.each([
    ['no package.json', undefined],
    ['a package.json without a type', '{}'],
    ['a package.json of type commonjs', '{ "type": "commonjs" }'],
    ['a package.json of type module', '{ "type": "module" }'],
  ])('works with %s, using the same packages as the command', async (_, manifest) => {
    const isShared = `import { isPipeline } from '@millrace/flow'
      import * as core from '@millrace/core'
      console.error('one copy:', MillraceError === core.MillraceError, isPipeline(make('x')))
      await null
      export default make('tiny')`
    const { code, err } = await runFile(tiny + isShared, manifest)
    expect(err).toContain('one copy: true true')
    expect(err).toContain('finished: 3 records in, 3 out')
    expect(code).toBe(0)
  })

  test('works with TypeScript that Node cannot load by removing types', async () => {
    const directory = await project({
      'job.ts': `import { Size, Shape } from './shapes'\n${tiny}const shape: Shape = { size: Size.Large }
        console.error('size', shape.size)
        export default make('tiny')`,
      'shapes.ts':
        'export enum Size { Small = 1, Large = 7 }\nexport interface Shape { readonly size: Size }',
    })
    const { code, err } = await millrace(['run', 'job.ts', '--bounded'], directory)
    expect(err.match(/size \d/g)).toEqual(['size 7'])
    expect(code).toBe(0)
  })

  test('loads JavaScript as it is', async () => {
    const directory = await project({
      'package.json': '{ "type": "module" }',
      'job.js': `${untyped(tiny)}function shown() { /* a comment stays */ }
        console.error(String(shown))
        export default make('tiny')`,
    })
    const { code, err } = await millrace(['run', 'job.js', '--bounded'], directory)
    expect(err).toContain('a comment stays')
    expect(err).toContain('finished: 3 records in, 3 out')
    expect(code).toBe(0)
  })

  test('works with JavaScript that imports TypeScript', async () => {
    const directory = await project({
      'package.json': '{ "type": "module" }',
      'job.js': `import { size } from './size.js'\n${untyped(tiny)}
        console.error('size', size)
        export default make('tiny')`,
      'size.js': "import { Size } from './shapes.ts'\nexport const size = Size.Large",
      'shapes.ts': 'export enum Size { Small = 1, Large = 7 }',
    })
    const { code, err } = await millrace(['run', 'job.js', '--bounded'], directory)
    expect(err.match(/size \d/g)).toEqual(['size 7'])
    expect(code).toBe(0)
  })

  test.each([
    [
      'a syntax error',
      'export default pipeline(: 3)',
      /job\.ts cannot be loaded: .*Transform failed[^]*job\.ts:1:24/,
    ],
    ['a package that is not installed', "import 'nowhere-to-be-found'", /npm install nowhere-to-be-found/],
    [
      'an error while it is evaluated',
      "throw new Error('not today')",
      /cannot be loaded: not today\n {4}at .*job\.ts:1/,
    ],
    ['no export', 'export {}', /job\.ts: it has no default export. Write export default pipeline/],
    ['another default export', 'export default 3', /job\.ts: its default export is not a pipeline/],
    [
      'a named export only',
      `${tiny}export const fraud = make('fraud')`,
      /Export it with 'export default fraud'/,
    ],
    [
      'several pipelines',
      `${tiny}export const a = make('a'), b = make('b')`,
      /exports 2 pipelines \(a, b\) and none by default/,
    ],
    [
      'an error in the build function',
      `${tiny}export default pipeline('x', () => { throw new Error('no such luck') })`,
      /the build function of pipeline 'x' failed: no such luck\n {4}at .*job\.ts/,
    ],
    [
      'a stream without a sink',
      `${tiny}export default pipeline('x', (p) => { p.from('n', generator.generate({ seed: 1, make: () => 1 })) })`,
      /GRAPH_INVALID: pipeline 'x'/,
    ],
  ])('%s exits with 3 and describes the problem', async (_, text, message) => {
    const { code, err } = await runFile(text)
    expect(err).toMatch(message)
    expect(err).toMatch(/^GRAPH_INVALID: /)
    expect(code).toBe(3)
  })

  test('an invalid option of an operator exits with 2 and names the line', async () => {
    const { code, err } = await runFile(`${tiny}
      export default pipeline('x', (p) => {
        p.from('n', generator.generate({ seed: 1, make: () => 1 }))
          .withTimestamps({ timestamp: (n) => n, maxOutOfOrderness: '5 sek' })
          .to('out', nowhere)
      })`)
    expect(err).toMatch(
      /^OPTION_INVALID: maxOutOfOrderness is "5 sek", which is not a duration; .*\n {4}at .*job\.ts:11:12\)?$/m,
    )
    expect(code).toBe(2)
  })

  test('a parameter that does not exist ends with 2', async () => {
    const { code, err } = await millrace(['run', numbers, '--parameter', 'out=x', '--parameter', 'cuont=3'])
    expect(err).toContain(
      "OPTION_INVALID: pipeline 'numbers' has no parameter 'cuont'; it has out (string), rate (number), count (number)\n",
    )
    expect(err).toMatch(/see https:\S+\/docs\/operating\/errors\.md#OPTION_INVALID\n$/)
    expect(code).toBe(2)
  })
})
