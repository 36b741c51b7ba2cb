/** A promise of the engine or of a connector turned out broken. Anything else that is thrown is a fault of the test. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise'
}

/** Throws `BrokenPromise` unless `isKept`. */
export function promised(isKept: boolean, what: () => string): asserts isKept {
  if (!isKept) throw new BrokenPromise(what())
}
