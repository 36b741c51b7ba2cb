import { upTo } from '../../../lab/servers/job-on-disk.ts'

/** Numbers as texts: `amount` of them, from `first` on. */
export const texts = (first: number, amount: number): string[] => upTo(first + amount, first).map(String)
/** In the order of their size. */
export const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b)
