import type { Codec } from './codec.ts'
import { MillraceError } from '../errors/errors.ts'

/**
 * Returns a codec that writes the current form of values and also reads older forms.
 *
 * `from` is the old codec, `migrate` converts an old value to a new one, and `to` is the new codec. The
 * result has the id of `from` and the next version, so a checkpoint of the older program is restored without
 * further steps; each cell is rewritten when it next changes. To change the format again, evolve the result.
 * Both `from` and `to` must stay unchanged as long as such a checkpoint may be restored.
 *
 * @example
 * const v1 = structuredCodec<{ count: number }>()
 * const v2 = evolvingCodec({
 *   from: v1,
 *   to: structuredCodec<{ count: number; sum: number }>(),
 *   migrate: (old) => ({ ...old, sum: 0 }),
 * })
 * v2.version // => 2
 */
export function evolvingCodec<Old, New>(options: {
  readonly from: Codec<Old>
  readonly to: Codec<New>
  readonly migrate: (old: Old) => New
}): Codec<New> {
  const { from, to, migrate } = options
  const version = from.version + 1
  return {
    id: from.id,
    version,
    encode: (value, out) => to.encode(value, out),
    decode(input, stored) {
      if (stored === version) return to.decode(input, to.version)
      if (stored < version) return migrate(from.decode(input, stored))
      throw new MillraceError(
        'CODEC_FAILED',
        `stored bytes are of version ${stored} of codec '${from.id}', which is newer than ${version}; run the newer program`,
      )
    },
  }
}
