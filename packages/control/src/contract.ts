/** The JSON of the control API: what each route answers, and what actions are sent. It imports nothing, so that a browser can use it. */
export type {
  CheckpointList,
  CheckpointPart,
  CheckpointRow,
  CheckpointState,
  Failure,
  JobList,
  JobOverview,
  JobSummary,
  LogLevel,
  Phase,
  Readiness,
  RunningCheckpoint,
  RuntimeFigures,
  Totals,
} from './contract/job.ts'
export { rightOfAction, type Right, type Role, type Session } from './contract/rights.ts'
export type { PartList, PartPlace } from './contract/parts.ts'
export type { GraphEdge, GraphOperator, GraphTask, JobGraph } from './contract/graph.ts'
export type {
  JobFigures,
  JobHistory,
  OperatorDetail,
  OperatorFigures,
  Shares,
  SplitPage,
  SplitRow,
  SplitSort,
  StateTableRow,
  SubtaskFigures,
  TaskFigures,
  TimeHolder,
} from './contract/figures.ts'
export type {
  Diagnosis,
  EventKind,
  EventPage,
  EventRow,
  Finding,
  LetterDetail,
  LetterGroups,
  LetterPage,
  LetterRow,
  LogPage,
  LogRow,
} from './contract/happenings.ts'
export type {
  FunctionProfile,
  JobProfile,
  OperatorProfile,
  OtherWork,
  ProfileFile,
  ProfileFileNode,
  SubtaskState,
  ThreadCpu,
} from './contract/profile.ts'
export type { PeekEnd, PeekProgress, PeekRecord } from './contract/peek.ts'
export type {
  StateAnswer,
  StateChange,
  StateCopy,
  StateEntry,
  StateList,
  StateOperator,
  StatePage,
  StateRead,
} from './contract/state.ts'
export type { Action, ActionResult, ApiError, LetterSelection } from './contract/actions.ts'
export { pathOf, routes, type RouteName } from './contract/routes.ts'
