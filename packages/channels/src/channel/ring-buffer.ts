/** The smallest storage, in slots: a cache line or two. */
const SLOTS_MIN = 8

/**
 * A queue in a circular array, for values that a channel has accepted and not delivered.
 *
 * It grows by doubling and has no bound of its own, so a channel with a capacity of a million values costs
 * nothing until they arrive. It does not shrink.
 *
 * A batch pushed into an empty buffer stays in one piece, so that a receiver of all its values gets that
 * piece without copying. Any other operation splits it.
 *
 * Invariant between any two calls: the number of slots is zero or a power of two; the values are in `length`
 * slots from `#head` on, wrapping around, or else all of them in `#piece`; every other slot is undefined and
 * keeps nothing alive.
 */
export class RingBuffer<T> {
  #slots: (T | undefined)[] = []
  #mask = -1
  #head = 0
  #length = 0
  #piece: T[] | undefined = undefined

  /** How many values are inside. */
  get length(): number {
    return this.#length
  }

  /** Appends a value at the tail. */
  push(value: T): void {
    if (this.#piece !== undefined) this.#takeApart(this.#piece)
    if (this.#length > this.#mask) this.#grow()
    this.#slots[(this.#head + this.#length) & this.#mask] = value
    this.#length += 1
  }

  /** Removes the value at the head. The buffer must not be empty. */
  shift(): T {
    if (this.#piece !== undefined) this.#takeApart(this.#piece)
    const value = this.#slots[this.#head] as T
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & this.#mask
    this.#length -= 1
    return value
  }

  /** Appends `values[from]` up to, not including, `values[end]`. */
  pushMany(values: readonly unknown[], from: number, end: number): void {
    if (end <= from) return
    if (this.#piece !== undefined) this.#takeApart(this.#piece)
    if (this.#length > 0) {
      this.#append(values, from, end)
    } else {
      // Copying a whole array is faster than copying a part.
      this.#piece = (from === 0 && end === values.length ? values.slice() : values.slice(from, end)) as T[]
      this.#length = end - from
    }
  }

  /** Removes the values at the head, at most `max`. */
  shiftMany(max: number): T[] {
    const count = Math.min(max, this.#length)
    const piece = this.#piece
    if (piece !== undefined) {
      if (count === piece.length) {
        this.#piece = undefined
        this.#length = 0
        return piece
      }
      this.#takeApart(piece)
    }
    const [slots, head] = [this.#slots, this.#head]
    const end = Math.min(head + count, slots.length)
    const wrapped = head + count - end
    const values = slots.slice(head, end)
    slots.fill(undefined, head, end)
    if (wrapped > 0) {
      for (let i = 0; i < wrapped; i++) values.push(slots[i])
      slots.fill(undefined, 0, wrapped)
    }
    this.#head = (head + count) & this.#mask
    this.#length -= count
    return values as T[]
  }

  #takeApart(piece: readonly T[]): void {
    this.#piece = undefined
    this.#length = 0
    this.#append(piece, 0, piece.length)
  }

  #append(values: readonly unknown[], from: number, end: number): void {
    while (this.#length + end - from > this.#slots.length) this.#grow()
    const [slots, mask] = [this.#slots, this.#mask]
    let tail = this.#head + this.#length
    for (let i = from; i < end; i++) slots[tail++ & mask] = values[i] as T
    this.#length += end - from
  }

  #grow(): void {
    const old = this.#slots
    const slots = Math.max(old.length * 2, SLOTS_MIN)
    this.#slots = [...old.slice(this.#head), ...old.slice(0, this.#head)]
    while (this.#slots.length < slots) this.#slots.push(undefined)
    this.#head = 0
    this.#mask = slots - 1
  }
}
