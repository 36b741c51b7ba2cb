import type { Codec } from '../codec/codec.ts'
import { structuredCodec } from '../codec/structured-codec.ts'
import { statePiece, type Fingerprint } from './fingerprint.ts'

/** How `mapAsync` files the records whose results have not left. */
export const callsInFlight: StateDescription = { name: '#in-flight', codec: structuredCodec<unknown>() }

interface StateDescription {
  readonly name: string
  readonly codec: Codec<unknown>
}

/** Raised when what is filed for each record changes its meaning. */
const version = 1

export const callsFingerprint: Fingerprint = {
  pieces: [{ ...statePiece('calls', { ...callsInFlight, name: 'calls in flight' }), version }],
  settings: [],
}
