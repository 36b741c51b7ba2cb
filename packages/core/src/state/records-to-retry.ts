import { structuredCodec } from '../codec/structured-codec.ts'
import type { Codec } from '../codec/codec.ts'
import { statePiece, type Fingerprint } from './fingerprint.ts'

/** How a part stores records that it tries again. */
export const recordsToRetry: { readonly name: string; readonly codec: Codec<unknown> } = {
  name: '#retry',
  codec: structuredCodec<unknown>(),
}

export const retryFingerprint: Fingerprint = {
  pieces: [{ ...statePiece('records to retry', recordsToRetry), version: 1 }],
  settings: [],
}
