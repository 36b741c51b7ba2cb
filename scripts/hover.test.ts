import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const shown = path.join(root, 'docs/hover.ts')
const refused = path.join(root, 'docs/refused.ts')

const code = `
import { files } from '@millrace/connector-files'
import { connect, count, join, memory, output, pipeline, session, state, sum, tumbling } from 'millrace'
interface Payment { card: string; amount: number; at: number }
interface Order { id: string; card: string; at: number }
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
    output: output<string>(),
    outputs: { first: output<Payment>() },
    state: { seen: state.value<number>() },
    onRecord({ value }, { state: { seen }, outputs, emit }) {},
  })
  const first = checked.outputs.first
  first.to('first', files.writeNdjson('first.ndjson'))
  const orders = p.from('orders', memory.read<Order>({})).withTimestamps({ timestamp: (order) => order.at })
  const ordersByCard = orders.keyBy((order) => order.card)
  const both = connect(ordersByCard, byCard)
  const joining = join(ordersByCard, byCard)
  const paid = joining.between('0s', '1h').left('paid', (order, payment) => ({ id: order.id, amount: payment?.amount }))
  const { lateRight } = paid
  const unpaid = joining.window(tumbling('1h')).anti('unpaid')
  const visits = byCard.window(session('30m')).aggregate('visits', { n: count() })
})
`

/** Each line after a comment has one mistake, and the comment is the sentence that the error must hold. */
const mistakes = `
import { connect, count, join, memory, output, pipeline, tumbling } from 'millrace'
pipeline('refused', (p) => {
  const numbers = p.from('numbers', memory.read([1, 2])).withTimestamps({ timestamp: (n) => n })
  const byKey = numbers.keyBy((n) => n)
  // operators do not wait; call asynchronous functions in mapAsync
  numbers.map(async (n) => n)
  // an aggregate cannot be called 'key': results have the key of their records under that name
  byKey.window(tumbling('1m')).aggregate('counts', { key: count() })
  // an output cannot be called 'errors': that is where failed records go
  byKey.process('checked', { outputs: { errors: output<number>() }, onRecord() {} })
  // an output of split cannot be called 'rest': that is where records go that pass no test
  numbers.split('sizes', { rest: (n) => n > 1 })
  const byText = numbers.keyBy((n) => String(n))
  const plain = p.from('plain', memory.read([1, 2])).keyBy((n) => n)
  // no key of one stream equals a key of the other; let both keyBy functions return the same type
  join(byKey, byText)
  // one stream has event time and the other has none; call withTimestamps on both
  connect(byKey, plain)
  // joins go by event time; call withTimestamps on both streams
  join(plain, plain)
})
`

const sources = new Map([
  [shown, code],
  [refused, mistakes],
])

const service = languageService()

function languageService(): ts.LanguageService {
  const config = ts.getParsedCommandLineOfConfigFile(
    path.join(root, 'tsconfig.json'),
    { noEmit: true, noUnusedLocals: false },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} },
  )!
  return ts.createLanguageService({
    getCompilationSettings: () => config.options,
    getScriptFileNames: () => [...sources.keys()],
    getScriptVersion: () => '1',
    getScriptSnapshot: (each) => {
      const text = sources.get(each) ?? ts.sys.readFile(each)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    fileExists: (each) => sources.has(each) || ts.sys.fileExists(each),
    readFile: (each) => sources.get(each) ?? ts.sys.readFile(each),
    directoryExists: (directory) => ts.sys.directoryExists(directory),
  })
}

/** What an editor shows for the identifier at the first occurrence of `text`. */
function hover(text: string): string {
  const info = service.getQuickInfoAtPosition(shown, code.indexOf(text))
  return ts.displayPartsToString(info?.displayParts).replaceAll(/\s+/g, ' ')
}

describe('the type an editor shows', () => {
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
    ['both = ', 'const both: ConnectedStreams<Order, Payment, string, "timed">'],
    ['joining = ', 'const joining: JoiningStreams<Order, Payment, string>'],
    ['paid = ', 'const paid: JoinedStream<{ id: string; amount: number | undefined; }, Order, Payment>'],
    ['order, payment', '(parameter) order: Order'],
    ['payment) => ({', '(parameter) payment: Payment | undefined'],
    ['lateRight }', 'const lateRight: TimedStream<Payment>'],
    ['unpaid = ', 'const unpaid: JoinedStream<Order, Order, Payment>'],
    [
      'visits = ',
      'const visits: AggregatedStream<{ readonly key: string; readonly window: Window; readonly n: number; }, Payment>',
    ],
    ['seen }', '(parameter) seen: ValueState<number>'],
    [
      'writeNdjson(',
      '(alias) writeNdjson<Payment>(path: string, options?: WriteOptions): Sink<Payment, FileCommittable>',
    ],
  ])('for %s', (name, text) => {
    expect(hover(name)).toContain(text)
  })
})

describe('a type error', () => {
  const lines = mistakes.split('\n')
  const errors = service.getSemanticDiagnostics(refused).map(({ start, messageText }) => ({
    line: mistakes.slice(0, start).split('\n').length,
    text: ts.flattenDiagnosticMessageText(messageText, ' '),
  }))
  const sentences = lines.flatMap((line, index) =>
    line.includes('// ') ? [{ sentence: line.trim().slice(3), line: index + 2 }] : [],
  )

  test.each(sentences)('is a sentence: $sentence', ({ sentence, line }) => {
    expect(errors.find((error) => error.line === line)?.text).toContain(sentence)
  })

  test('is reported for nothing else', () => {
    expect([...new Set(errors.map(({ line }) => line))]).toEqual(sentences.map(({ line }) => line))
  })
})
