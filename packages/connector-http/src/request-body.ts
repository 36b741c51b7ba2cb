import { decodeJson, describeError, isMillraceError } from '@millrace/core'
import { Refusal } from './refusal.ts'

/** What a body is made of. */
export type BodyFormat = 'json' | 'json-lines'

const contentTypes: ReadonlyMap<string, BodyFormat> = new Map([
  ['application/json', 'json'],
  ['application/x-ndjson', 'json-lines'],
  ['application/ndjson', 'json-lines'],
  ['application/jsonl', 'json-lines'],
])

/** The format that a content type stands for; undefined for one that is not understood. */
export function bodyFormat(contentType: string | undefined): BodyFormat | undefined {
  const [type = '', ...parameters] = (contentType ?? '').split(';')
  const charset = parameters.map((each) => /^\s*charset="?([^";]*)"?\s*$/i.exec(each)?.[1]).find(Boolean)
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8') return undefined
  return contentTypes.get(type.trim().toLowerCase())
}

/**
 * The records in a body, each as the JSON text that came. Every one is known to be JSON of bearable depth.
 *
 * `json` is one record, or an array of records; `json-lines` is one record per line, blank lines aside. Throws
 * a `Refusal` that names the first bad line.
 */
export function recordsIn(body: Uint8Array, format: BodyFormat): Uint8Array[] {
  return format === 'json' ? recordsInJson(body) : recordsInLines(body)
}

function recordsInLines(body: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = []
  let line = 1
  for (let start = 0; start < body.length; line++) {
    const newline = body.indexOf(0x0a, start)
    const end = newline === -1 ? body.length : newline
    const record = body.subarray(start, end)
    if (!isBlank(record)) {
      requireJson(record, line)
      records.push(record)
    }
    start = end + 1
  }
  return records
}

function recordsInJson(body: Uint8Array): Uint8Array[] {
  const value = requireJson(body, undefined)
  return Array.isArray(value) ? elementsOf(body) : [body]
}

function requireJson(bytes: Uint8Array, line: number | undefined): unknown {
  try {
    return decodeJson(bytes)
  } catch (error) {
    const reason = isMillraceError(error) ? error.message : describeError(error)
    throw new Refusal(400, line === undefined ? reason : `line ${line}: ${reason}`, { line })
  }
}

/** The texts of the elements of an array. The text is known to be JSON, so strings and brackets are all there is to see. */
function elementsOf(body: Uint8Array): Uint8Array[] {
  const elements: Uint8Array[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]
    if (byte === 0x22) at = endOfString(body, at)
    else if (byte === 0x5b || byte === 0x7b) {
      if (depth++ === 0) start = at + 1
    } else if (byte === 0x5d || byte === 0x7d) {
      if (--depth === 0) addElement(elements, body.subarray(start, at))
    } else if (byte === 0x2c && depth === 1) {
      addElement(elements, body.subarray(start, at))
      start = at + 1
    }
  }
  return elements
}

/** An array without elements has nothing but blanks between its brackets. */
function addElement(elements: Uint8Array[], element: Uint8Array): void {
  if (!isBlank(element)) elements.push(element)
}

/** Where the string that begins at `start` is closed. */
function endOfString(body: Uint8Array, start: number): number {
  let at = start + 1
  while (body[at] !== 0x22) at += body[at] === 0x5c ? 2 : 1
  return at
}

function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) {
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && byte !== 0x0a) return false
  }
  return true
}
