import { decodeJson, describeError, isMillraceError } from '@millrace/core'
import type { BodyFormat, CharsetDecoder } from './content-type.ts'
import { Refusal } from './refusal.ts'

/**
 * Splits a body in UTF-8 into records, each as its JSON text. Every text is valid JSON of limited depth.
 *
 * Blank lines and a byte order mark are skipped. Throws a `Refusal` that names the first invalid line.
 */
export function recordsIn(body: Uint8Array, format: BodyFormat): Uint8Array[] {
  const content = hasByteOrderMark(body) ? body.subarray(3) : body
  return format === 'json-lines' ? recordsInLines(content) : recordsInJson(content, format)
}

/** The body in UTF-8. Throws a `Refusal` for bytes that are invalid in its encoding. */
export function inUtf8(body: Uint8Array, decoder: CharsetDecoder | undefined): Uint8Array {
  if (decoder === undefined) return body
  try {
    return new TextEncoder().encode(decoder.decode(body))
  } catch {
    throw new Refusal(400, `the body is not ${decoder.encoding}, as its Content-Type says; send UTF-8`)
  }
}

function hasByteOrderMark(body: Uint8Array): boolean {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf
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

function recordsInJson(body: Uint8Array, format: 'json' | 'event' | 'event-batch'): Uint8Array[] {
  const value = requireJson(body, undefined)
  if (format === 'event' && !isObject(value)) {
    throw new Refusal(
      400,
      'a body of application/cloudevents+json is one event, an object; send several as application/cloudevents-batch+json',
    )
  }
  if (format === 'event-batch' && !(Array.isArray(value) && value.every(isObject))) {
    throw new Refusal(
      400,
      'a body of application/cloudevents-batch+json is an array of events, which are objects',
    )
  }
  return Array.isArray(value) ? elementsOf(body) : [body]
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function requireJson(bytes: Uint8Array, line: number | undefined): unknown {
  try {
    return decodeJson(bytes)
  } catch (error) {
    const reason = isMillraceError(error) ? error.message : describeError(error)
    throw new Refusal(400, line === undefined ? reason : `line ${line}: ${reason}`, { line })
  }
}

/** The texts of the elements of an array. The text is valid JSON, so only strings and brackets matter. */
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

/** An array without elements has only whitespace between its brackets. */
function addElement(elements: Uint8Array[], element: Uint8Array): void {
  if (!isBlank(element)) elements.push(element)
}

/** The index of the closing quote of the string that begins at `start`. */
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
