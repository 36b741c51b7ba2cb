import type { Labels, MetricKind } from '@millrace/control/metrics'

/** How OpenTelemetry calls a metric: its name, and the unit of its values. */
export interface MetricName {
  readonly name: string
  /** `s` or `By`; undefined for numbers of things and for yes or no. */
  readonly unit: string | undefined
}

const unitOf = new Map([
  ['seconds', 's'],
  ['bytes', 'By'],
])

/** The form of names: `millrace_`, what the metric is about, what it says, its unit, and `_total` for counters. */
const form =
  /^millrace_(?<subject>event_loop|[a-z]+)(?:_(?<what>[a-z_]+?))??(?:_(?<unit>seconds|bytes))?(?:_total)?$/

/**
 * The name of a metric of Prometheus in OpenTelemetry: `millrace_source_lag_bytes` is `millrace.source.lag` in `By`. An
 * exporter for Prometheus makes the same name of it again.
 */
export function metricName({ name }: Pick<MetricKind, 'name'>): MetricName {
  const { subject, what, unit } = form.exec(name)!.groups!
  return {
    name: ['millrace', subject, what].filter((part) => part !== undefined).join('.'),
    unit: unit === undefined ? undefined : unitOf.get(unit),
  }
}

/** The labels of Prometheus as attributes: `operator` is `millrace.operator`. */
export function attributesOf(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [`millrace.${label}`, value]))
}
