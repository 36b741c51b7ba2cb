import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const file = path.join(root, 'docs/hover.ts')

const code = `
import { count, memory, output, pipeline, state, sum, tumbling } from 'millrace'
interface Payment { card: string; amount: number; at: number }
pipeline('hover', (p) => {
  const payments = p.from('payments', memory.read<Payment>({})).withTimestamps({ timestamp: (payment) => payment.at })
  const byCard = payments.keyBy((payment) => payment.card)
  const spent = byCard.scan('spent', () => 0, (total, payment) => total + payment.amount)
  const perMinute = byCard
    .window(tumbling('1m'))
    .aggregate('per-minute', { n: count(), total: sum((payment) => payment.amount) })
  const large = perMinute.filter((minute) => minute.total > 100)
  const { big, rest } = payments.split('sizes', { big: (payment) => payment.amount > 100 })
  const checked = byCard.process('check', {
    emits: output<string>(),
    outputs: { first: output<Payment>() },
    state: { seen: state.value<number>() },
    onRecord({ value }, { state: { seen }, outputs, emit }) {},
  })
  const first = checked.outputs.first
})
`

const service = languageService()

function languageService(): ts.LanguageService {
  const config = ts.getParsedCommandLineOfConfigFile(
    path.join(root, 'tsconfig.json'),
    { noEmit: true, noUnusedLocals: false },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} },
  )!
  return ts.createLanguageService({
    getCompilationSettings: () => config.options,
    getScriptFileNames: () => [file],
    getScriptVersion: () => '1',
    getScriptSnapshot: (each) => {
      const text = each === file ? code : ts.sys.readFile(each)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    fileExists: (each) => each === file || ts.sys.fileExists(each),
    readFile: (each) => (each === file ? code : ts.sys.readFile(each)),
    directoryExists: (directory) => ts.sys.directoryExists(directory),
  })
}

/** What an editor shows for the name with which the first occurrence of `text` begins. */
function hover(text: string): string {
  const info = service.getQuickInfoAtPosition(file, code.indexOf(text))
  return ts.displayPartsToString(info?.displayParts).replaceAll(/\s+/g, ' ')
}

describe('what an editor shows', () => {
  test.each([
    ['payments = ', 'const payments: TimedStream<Payment>'],
    ['byCard = ', 'const byCard: TimedKeyedStream<Payment, string>'],
    ['spent = ', 'const spent: TimedStream<KeyedValue<string, number>>'],
    [
      'perMinute = ',
      'const perMinute: AggregatedStream<{ readonly key: string; readonly window: Window; readonly n: number; readonly total: number; }, Payment>',
    ],
    [
      'large = ',
      'const large: TimedStream<{ readonly key: string; readonly window: Window; readonly n: number; readonly total: number; }>',
    ],
    ['big, rest', 'const big: TimedStream<Payment>'],
    ['first = ', 'const first: TimedStream<Payment>'],
    ['seen }', '(parameter) seen: ValueState<number>'],
  ])('for %s', (name, shown) => {
    expect(hover(name)).toBe(shown)
  })
})
