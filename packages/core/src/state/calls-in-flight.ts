import type { Codec } from '../codec/codec.ts'
import { structuredCodec } from '../codec/structured-codec.ts'
import { statePiece, type Fingerprint } from './fingerprint.ts'

/** How `mapAsync` stores the records whose results have not been emitted. */
export const callsInFlight: StateDescription = { name: '#in-flight', codec: structuredCodec<unknown>() }

interface StateDescription {
  readonly name: string
  readonly codec: Codec<unknown>
}

/** Increased when the stored data of a record changes its meaning. */
const version = 1

export const callsFingerprint: Fingerprint = {
  pieces: [{ ...statePiece('calls', { ...callsInFlight, name: 'calls in flight' }), version }],
  settings: [],
}
