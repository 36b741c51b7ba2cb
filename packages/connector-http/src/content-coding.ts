/** How the body of a request is compressed. */
export type ContentCoding = 'gzip' | 'deflate' | 'br'

/**
 * Inflates a body. Returns undefined as soon as the result exceeds `bytesMax` bytes. Rejects if the body is
 * damaged or has another coding.
 */
export type Inflate = (
  body: Uint8Array,
  coding: ContentCoding,
  bytesMax: number,
) => Promise<Uint8Array | undefined>

/** The supported codings, for error messages. */
export const acceptedCodings = 'gzip, deflate, br'

const codings: ReadonlyMap<string, ContentCoding | 'identity'> = new Map<string, ContentCoding | 'identity'>([
  ['identity', 'identity'],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
])

/** The coding named by a header field; undefined if it is not supported or if there are several. */
export function contentCoding(header: string | undefined): ContentCoding | 'identity' | undefined {
  return header === undefined ? 'identity' : codings.get(header.trim().toLowerCase())
}
