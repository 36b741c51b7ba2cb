/** Text formats: the encoding of a file and its line ends. */
import { MillraceError } from '@millrace/core'

/** A character encoding. */
export type Encoding = 'utf8' | 'utf16le' | 'utf16be' | 'windows-1252' | 'latin1'

/** What ends a line: `any` is LF, CRLF or CR; `lf` is LF or CRLF. */
export type LineEnds = 'any' | 'lf'

export interface TextFormat {
  readonly encoding: Encoding
  readonly lineEnds: LineEnds
}

const encodings: readonly Encoding[] = ['utf8', 'utf16le', 'utf16be', 'windows-1252', 'latin1']

/** Throws `OPTION_INVALID`. */
export function textFormat(encoding: Encoding = 'utf8', lineEnds: LineEnds = 'any'): TextFormat {
  requireOneOf('encoding', encoding, encodings)
  requireOneOf('lineEnds', lineEnds, ['any', 'lf'])
  return { encoding, lineEnds }
}

/** Rejects values that untyped callers may pass. Throws `OPTION_INVALID`. */
export function requireOneOf(option: string, value: string, values: readonly string[]): void {
  if (values.includes(value)) return
  const choices = values.map((each) => `'${each}'`).join(', ')
  throw new MillraceError('OPTION_INVALID', `${option} is ${JSON.stringify(value)}; give one of ${choices}`)
}

/** Whether each character is two or four bytes; pages store such text as UTF-8. */
export function isUtf16(encoding: Encoding): encoding is 'utf16le' | 'utf16be' {
  return encoding === 'utf16le' || encoding === 'utf16be'
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Decodes the bytes of a page. Throws `DECODE_FAILED` if they are invalid in the encoding; `isBeginning` says
 * that the file begins with them.
 */
export function textOf(bytes: Buffer, encoding: Encoding, isBeginning: boolean): string {
  if (encoding === 'latin1') return bytes.toString('latin1')
  if (encoding === 'windows-1252') {
    return bytes
      .toString('latin1')
      .replaceAll(/[\u0080-\u009f]/g, (each) => windows1252[each.charCodeAt(0) - 0x80]!)
  }
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new MillraceError('DECODE_FAILED', whyNotText(bytes, encoding, isBeginning), { cause })
  }
}

function whyNotText(bytes: Buffer, encoding: Encoding, isBeginning: boolean): string {
  if (isUtf16(encoding))
    return 'the bytes are not UTF-16: half of a surrogate pair or of a character; fix the text'
  const mark = bytes.length < 2 || !isBeginning ? 0 : bytes.readUInt16BE(0)
  const real = mark === 0xfffe ? 'utf16le' : mark === 0xfeff ? 'utf16be' : undefined
  if (real !== undefined) {
    return `the bytes are not UTF-8 and begin with the byte order mark of UTF-16; read it with encoding: '${real}'`
  }
  return "the bytes are not UTF-8; write it in UTF-8, or read it with encoding: 'windows-1252' or 'latin1'"
}

/**
 * The characters for 0x80 to 0x9f. Five of them are undefined and stay control characters, as in browsers.
 *
 * A table, because some Node releases decode windows-1252 as ISO 8859-1.
 */
const windows1252: string =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f' +
  '\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178'
