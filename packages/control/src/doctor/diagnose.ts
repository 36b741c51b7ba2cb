import type { Finding } from '../contract/happenings.ts'
import type { JobView } from '../job/job-view.ts'
import { checkpointFindings } from './checkpoint-findings.ts'
import { eventTimeFindings } from './event-time-findings.ts'
import { recordFindings } from './record-findings.ts'
import { speedFindings } from './speed-findings.ts'

/** What is wrong with a job or unusual, the worst first. */
export function diagnose(watched: JobView): readonly Finding[] {
  const findings = [
    ...checkpointFindings(watched),
    ...recordFindings(watched),
    ...eventTimeFindings(watched),
    ...speedFindings(watched),
  ]
  const rank = { problem: 0, warning: 1, note: 2 }
  return findings.toSorted((a, b) => rank[a.severity] - rank[b.severity])
}
