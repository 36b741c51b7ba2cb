import { upTo } from '../../../lab/servers/job-on-disk.ts'

export interface Numbered {
  readonly n: number
  readonly k: string
}

/** Records with the numbers from `from` up to `end`, each with one of seven keys. */
export const numbered = (from: number, end: number): { value: string; key: string }[] =>
  upTo(end, from).map((n) => ({ key: `k${n % 7}`, value: JSON.stringify({ n, k: `k${n % 7}` }) }))
