/**
 * `a` modulo `b` with the sign of `b`, where `%` takes the sign of `a`: times before 1970 are negative, and a
 * window's start must not lie after them.
 *
 * @example
 * floorMod(-1, 7) // => 6
 */
export function floorMod(a: number, b: number): number {
  const rest = a % b
  // Adding zero turns the -0 of an exact negative multiple into 0.
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest + 0
}
