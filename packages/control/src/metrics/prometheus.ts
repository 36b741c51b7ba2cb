import type { MeasuredJob } from '../job/measured-job.ts'
import { readMetrics, type Labels, type MetricKind } from './readings.ts'

/** The content type of the text format. */
export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8'

/** All figures of all jobs in the text format of Prometheus. */
export function prometheusText(jobs: readonly MeasuredJob[]): string {
  const text = new Lines()
  readMetrics(jobs, (metric, labels, value) => text.add(metric, labels, value))
  return text.text()
}

/** Lines of the format, with the description of a metric before its first value. */
class Lines {
  #text = ''
  #described: string | undefined

  add({ name, type, help }: MetricKind, labels: Labels, value: number): void {
    if (this.#described !== name) this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
    this.#described = name
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
    this.#text += `${name}{${pairs.join(',')}} ${value}\n`
  }

  text(): string {
    return this.#text
  }
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
