/** How the body of a request is compressed. */
export type ContentCoding = 'gzip' | 'deflate' | 'br'

/**
 * Inflates a body; undefined if it has more than `bytesMax` bytes, as soon as that shows. Rejects if it is damaged or
 * is not what its coding says.
 */
export type Inflate = (
  body: Uint8Array,
  coding: ContentCoding,
  bytesMax: number,
) => Promise<Uint8Array | undefined>

/** The codings that are understood, for clients that used another. */
export const acceptedCodings = 'gzip, deflate, br'

const codings: ReadonlyMap<string, ContentCoding | 'identity'> = new Map<string, ContentCoding | 'identity'>([
  ['identity', 'identity'],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
])

/** The coding that a header field names; undefined for one that is not understood, and for several. */
export function contentCoding(header: string | undefined): ContentCoding | 'identity' | undefined {
  return header === undefined ? 'identity' : codings.get(header.trim().toLowerCase())
}
