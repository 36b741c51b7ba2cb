import type { BatchObservableCallback, Meter, Observable } from '@opentelemetry/api'
import { allMetrics, readMetrics, type MeasuredJob } from '@millrace/control/metrics'
import { attributesOf, metricName } from './names.ts'

/**
 * Makes an observable instrument of every metric. The job is measured when they are collected, once for all of them, and
 * not at any other time.
 */
export function observeMetrics(meter: Meter, job: MeasuredJob): Disposable {
  const instruments = new Map<string, Observable>(
    allMetrics.map((metric) => {
      const { name, unit } = metricName(metric)
      const options = { description: metric.help, ...(unit === undefined ? {} : { unit }) }
      const instrument =
        metric.type === 'counter'
          ? meter.createObservableCounter(name, options)
          : meter.createObservableGauge(name, options)
      return [metric.name, instrument]
    }),
  )
  const collect: BatchObservableCallback = (result) => {
    job.measure()
    readMetrics([job], ({ name }, labels, value) =>
      result.observe(instruments.get(name)!, value, attributesOf(labels)),
    )
  }
  const all = [...instruments.values()]
  meter.addBatchObservableCallback(collect, all)
  return { [Symbol.dispose]: () => meter.removeBatchObservableCallback(collect, all) }
}
