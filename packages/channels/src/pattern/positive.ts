/** @throws RangeError unless `value` is a positive integer. */
export function requirePositive(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return
  throw new RangeError(`${name} is ${value}; pass a positive integer`)
}
