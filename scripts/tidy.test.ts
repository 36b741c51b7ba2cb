import { describe, expect, test } from 'vitest'
import { fileRules } from './file-rules.ts'
import { circleRule } from './import-graph.ts'
import { importRules } from './import-rules.ts'
import { mapRules, withMap } from './map.ts'
import { packageRules } from './package-rules.ts'
import { phraseRules } from './phrase-rules.ts'
import { readWorkspace, type SourceFile } from './source-file.ts'

const rules = [...fileRules, ...importRules, circleRule, ...mapRules, ...packageRules, ...phraseRules]

describe('the workspace', () => {
  const files = readWorkspace()

  test.each(rules)('$name', ({ check }) => {
    expect(check(files).join('\n')).toBe('')
  })
})

/** One planted fault of each kind: its rule, file and text, and the expected finding. */
const faults: readonly (readonly [rule: string, file: string, text: string, finding: string])[] = [
  ['at most 400', 'packages/core/src/codec/long.ts', 'x\n'.repeat(401), 'long.ts:401: 401 lines'],
  ['at most 70', 'bench/a.ts', `\nfunction f() {\n${'f()\n'.repeat(69)}}`, 'a.ts:2: a function of 71 lines'],
  ['unrelated helpers', 'packages/flow/src/utils.ts', '', 'utils.ts:1: a file for anything'],
  ['meaningless affix', 'packages/flow/src/a.ts', '\nexport class StoreManager {}', 'a.ts:2: StoreManager'],
  ['meaningless affix', 'packages/flow/src/a.ts', 'interface IClock {}', 'a.ts:1: IClock'],
  ['unfinished work', 'README.md', `one\n${['TO', 'DO'].join('')}: two`, 'README.md:2:'],
  ['unfinished work', 'docs/a.md', `see ${['', 'work', 'notes'].join('/')}`, 'a.md:1:'],
  ['unfinished work', 'docs/a.md', `see ${['', 'tmp'].join('/')}`, 'a.md:1:'],
  ['unfinished work', 'package-lock.json', `"resolved": "https${':'}//host/a.tgz"`, 'package-lock.json:1:'],
  ['one direction', 'packages/core/src/a.ts', "\nimport '@millrace/flow'", 'a.ts:2: core may not import'],
  [
    'one direction',
    'packages/flow/src/a.ts',
    "import 'lodash/fp'",
    'a.ts:1: flow may not depend on lodash/fp',
  ],
  [
    'one direction',
    'packages/connector-http/src/a.ts',
    "export {} from '@millrace/connector-files'",
    'a.ts:1:',
  ],
  ['one direction', 'packages/core/src/a.ts', "void import('@millrace/node')", 'a.ts:1: core may not'],
  ['one direction', 'packages/core/src/a.ts', "type A = import('@millrace/node').A", 'a.ts:1: core may not'],
  ['one direction', 'packages/flow/src/a.ts', "import '@millrace/core/src/x.ts'", 'a.ts:1: flow may not'],
  [
    'one direction',
    'packages/new/src/a.ts',
    "import '@millrace/core'",
    'package new is not in scripts/house.ts',
  ],
  ['node:*', 'packages/core/src/a.ts', "import fs from 'node:fs'", 'a.ts:1: node:fs'],
  ['node:*', 'packages/connector-http/src/sink.ts', "await import('fs')", 'sink.ts:1: fs'],
  [
    'relative',
    'packages/flow/src/a.ts',
    "import '../../core/src/b.ts'",
    'a.ts:1: ../../core/src/b.ts leaves',
  ],
  ['relative', 'packages/flow/src/a.ts', "import './index.ts'", 'a.ts:1: index.ts is for others'],
  ['staircase', 'packages/core/src/state/a.ts', "import '../time/b.ts'", 'a.ts:1: state may not see time'],
  [
    'staircase',
    'packages/core/src/plan/a.ts',
    "import '../observe/b.ts'",
    'a.ts:1: plan may not see observe',
  ],
  [
    'staircase',
    'packages/core/src/observe/a.ts',
    "import '../state/b.ts'",
    'a.ts:1: observe may not see state',
  ],
  ['no file imports itself', 'bench/a.ts', "import type { A } from './a.ts'", 'a.ts:1: imports itself'],
  [
    'to read first',
    'ARCHITECTURE.md',
    '| 1 | `packages/a.ts` | a |',
    'lists packages/a.ts, which does not exist',
  ],
  ['by hand', 'packages/core/src/index.ts', "export * from './a.ts'", 'index.ts:1: export *'],
  ['by hand', 'packages/core/src/b.ts', "export * as a from './a.ts'", 'b.ts:1: export *'],
  ['by hand', 'packages/core/src/codec/a.ts', "export { b } from './b.ts'", 'a.ts:1: only index.ts'],
  [
    'hook',
    'packages/core/test/parts.ts',
    "import 'vitest'\nafterEach(() => {})",
    'parts.ts:2: afterEach here',
  ],
  ['plain words', 'README.md', `one\nit ${['go', 'es'].join('')} on`, "README.md:2: 'goes"],
  ['dead', 'packages/core/src/codec/a.ts', '', 'a.ts:1: nothing but tests'],
  ['README', 'packages/core/package.json', '{}', 'package.json:1: the package has no README.md'],
  [
    'locked package',
    'package-lock.json',
    '{"packages":{"":{},"packages/core":{},"node_modules/a":{"version":"1.0.0"}}}',
    'package-lock.json:1: node_modules/a 1.0.0 has no integrity',
  ],
  ['laid out', 'packages/core/package.json', '{"dependencies":{"lodash":"4"}}', 'lodash is not allowed'],
]

describe('a planted fault is reported', () => {
  const find = (rule: string, files: readonly SourceFile[]): string => {
    const asked = rules.filter((each) => each.name.includes(rule))
    expect(asked).toHaveLength(1)
    return asked.flatMap(({ check }) => check(files)).join('\n')
  }

  test.each(faults)('%s: %s, %j', (rule, path, text, finding) => {
    expect(find(rule, [{ path, text }])).toContain(finding)
  })

  test('a public name without a docstring is reported', () => {
    const index = { path: 'packages/core/src/index.ts', text: "export { a, b as c, type D } from './a.ts'" }
    const home = {
      path: 'packages/core/src/a.ts',
      text: '/** Documented. */\nexport const a = 1\nexport function b() {}\nexport interface D {}',
    }
    expect(find('documented', [index, home]).split('\n')).toEqual([
      'packages/core/src/a.ts:3: c is public and undocumented; say what it is for',
      'packages/core/src/a.ts:4: D is public and undocumented; say what it is for',
    ])
  })

  test('finds a circle, also one of type imports, of packages or of rooms', () => {
    const files = [
      { path: 'packages/core/src/state/a.ts', text: "import type { B } from '../time/b.ts'" },
      { path: 'packages/core/src/time/b.ts', text: "type A = import('../state/a.ts').A" },
      { path: 'packages/node/src/a.ts', text: "import type { B } from '@millrace/flow'" },
      { path: 'packages/flow/src/a.ts', text: "import '@millrace/node/inspect'" },
    ]
    expect(find('no file imports itself', files)).toBe(
      'packages/core/src/state/a.ts:1: imports itself by way of packages/core/src/time/b.ts; move what both need to a file of its own',
    )
    expect(find('no package and no room', files).split('\n')).toEqual([
      'flow, node: they import one another; move what both need to one of its own',
      'state, time: they import one another; move what both need to one of its own',
    ])
  })

  test('finds a map that differs from the code', () => {
    const files = [
      { path: 'packages/core/src/time/b.ts', text: "import '../state/a.ts'\nimport '@millrace/world'" },
    ]
    const places = ['packages', 'rooms'].map(
      (name) => `<!-- map of ${name}: npm run map -->\n<!-- end of the map of ${name} -->\n`,
    )
    const empty = { path: 'ARCHITECTURE.md', text: places.join('') }
    expect(find('the map shows', [...files, empty])).toContain('run npm run map')
    const text = withMap(empty.text, files)
    expect(text).toContain('flowchart LR\n  world --> core\n')
    expect(text).toContain('flowchart LR\n  state --> time\n')
    expect(find('the map shows', [...files, { path: 'ARCHITECTURE.md', text }])).toBe('')
  })

  test('allowed imports and texts are not reported', () => {
    const files = [
      { path: 'packages/core/src/time/a.ts', text: "import '../codec/b.ts'\nimport '@millrace/world'" },
      { path: 'packages/core/src/codec/b.ts', text: '' },
      { path: 'packages/core/src/task/a.test.ts', text: "import 'vitest'\nimport '@millrace/testkit'" },
      { path: 'packages/node/src/index.ts', text: "import 'node:fs'\nnew URL('./file.ts', import.meta.url)" },
      { path: 'packages/node/src/file.ts', text: "import '../../node/src/index.css'\n// https://a.b/tmp/c" },
    ]
    expect(find('direction', files) + find('node:*', files) + find('staircase', files)).toBe('')
    expect(find('unfinished work', files)).toBe('')
    expect(find('dead', files)).toBe(
      'packages/core/src/time/a.ts:1: nothing but tests imports this file; use it or delete it',
    )
  })
})
