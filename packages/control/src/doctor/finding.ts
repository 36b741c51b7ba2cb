import type { Finding } from '../contract/happenings.ts'

/** A finding; what is left out is unknown. */
export function finding(
  code: string,
  severity: Finding['severity'],
  sentence: string,
  facts: Partial<Pick<Finding, 'operator' | 'split' | 'since' | 'advice'>> = {},
): Finding {
  return { code, severity, operator: null, split: null, since: null, sentence, advice: '', ...facts }
}
