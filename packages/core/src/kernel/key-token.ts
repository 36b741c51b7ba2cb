import type { ByteReader, ByteWriter } from './bytes.ts'
import type { Key } from './key.ts'

/**
 * A key in the form that a `Map` can find: primitives as they are, everything else as text that no
 * other key has. Making one costs nothing for strings and numbers, which most keys are.
 */
export type KeyToken = string | number | bigint | boolean | null

export declare function keyToken(key: Key): KeyToken
export declare function tokenKey(token: KeyToken): Key
export declare function writeToken(token: KeyToken, out: ByteWriter): void
export declare function readToken(input: ByteReader): KeyToken
