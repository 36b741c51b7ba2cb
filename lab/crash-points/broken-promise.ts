/** The engine or a connector broke a guarantee. Any other error is a bug of the test. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise'
}

/** Throws `BrokenPromise` unless `isKept`. */
export function promised(isKept: boolean, what: () => string): asserts isKept {
  if (!isKept) throw new BrokenPromise(what())
}
