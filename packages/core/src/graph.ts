/** For builders of pipelines: the graph as data, its checks, its plan and its explanation. */

export type { Exchange } from './exchange/exchange.ts'
export { checkedGraph, checkedOperator } from './graph/checked-graph.ts'
export type {
  GraphExplanation,
  Guarantee,
  InputExplanation,
  PartExplanation,
  SinkExplanation,
  Weakness,
} from './graph/explain.ts'
export { errorOutput, inputsOf, keysOf, mapInputs } from './graph/node.ts'
export type {
  AsyncFunction,
  AsyncNode,
  BreakerRules,
  BulkheadRules,
  CallScope,
  ErrorPolicy,
  Graph,
  GraphNode,
  Input,
  NodeId,
  OperatorNode,
  RateRules,
  RetryRules,
  Seed,
  SinkNode,
  SourceNode,
  StepNode,
  TimestampsNode,
  TimestampSpec,
} from './graph/node.ts'
export { OperatorView } from './state/view.ts'
export { validateGraph } from './graph/validate.ts'
export { explain } from './plan/explain-plan.ts'
export type { Explanation, TaskExplanation } from './plan/explain-plan.ts'
export { explanationMermaid } from './plan/explanation-mermaid.ts'
export { explanationText } from './plan/explanation-text.ts'
