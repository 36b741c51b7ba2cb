/** The specs of drawn `process` operators. */
import type { Codec } from '@millrace/core'
import type { ListState, MapState, ValueState } from '@millrace/core/operator'
import {
  output,
  state,
  type OperatorOptions,
  type OutputSpec,
  type ProcessSpec,
  type StateSpec,
} from '@millrace/flow'
import { gather, handOn, type GatheringHands } from './gathering.ts'
import { checkPoison, passes, type Item } from './item.ts'
import { onRecord, onTimer, type Hands } from './program.ts'
import type { PartOf } from './topology.ts'

/** The state of `process`. */
interface Pieces extends Record<string, StateSpec<unknown>> {
  readonly value: StateSpec<ValueState<number>>
  readonly list: StateSpec<ListState<number>>
  readonly map: StateSpec<MapState<number, number>>
  readonly due: StateSpec<ValueState<number>>
}

type Sides = { readonly side: OutputSpec<Item> }
type Spec = ProcessSpec<Item, Item['key'], Item, Pieces, Sides, 'timed'>
type Context = Parameters<Spec['onRecord']>[1]

const varints: Codec<number> = {
  id: 'varint',
  version: 1,
  encode: (value, out) => out.varint(value),
  decode: (input) => input.varint(),
}

/** The spec of the part; `isTimed` says whether records have event time. */
export function processSpecOf(part: PartOf<'process'>, isTimed: boolean, onError: OperatorOptions): Spec {
  const { program, poison } = part
  const codec = program.hasCodecs === true ? varints : undefined
  const common = {
    output: output<Item>(),
    outputs: { side: output<Item>() },
    state: {
      value: state.value({ codec }),
      list: state.list<number>(),
      map: state.map<number, number>({ codec }),
      due: state.value<number>(),
    },
    ...onError,
  }
  if (program.timers === 'clock') return { ...common, ...gathering(part, isTimed) }
  return {
    ...common,
    onRecord({ value: item, time }, context) {
      checkPoison(poison, item)
      onRecord(program, item, time, handsOf(context, program.sideAheadMs))
    },
    onTimer(timer, context) {
      onTimer(program, timer, handsOf(context, program.sideAheadMs))
    },
  }
}

function gathering(
  { program, poison }: PartOf<'process'>,
  isTimed: boolean,
): Pick<Spec, 'onRecord' | 'onTimer'> {
  const { delayMs, side } = program
  const handsIn = ({ state: { list, due }, timers, now, emit }: Context): GatheringHands => ({
    list,
    due,
    now,
    emit,
    timers: {
      setProcessing: (time, name) => timers.setProcessing(time, name),
      deleteProcessing: (time, name) => timers.deleteProcessing(time, name),
      ...(isTimed && { setEvent: (time: number, name: string) => timers.setEvent(time, name) }),
    },
  })
  return {
    onRecord(record, context) {
      const { value: item } = record
      checkPoison(poison, item)
      gather(delayMs, record, handsIn(context))
      if (side !== undefined && passes(side, item)) context.outputs.side.emit(item)
    },
    onTimer(timer, context) {
      handOn(timer, handsIn(context))
    },
  }
}

/** The context of `process`, in the form that programs use. */
function handsOf(context: Context, sideAheadMs: number | undefined): Hands {
  const { timers, outputs, emit, emitAt, watermark } = context
  const { value, list, map, due } = context.state
  const { side } = outputs
  return {
    value,
    list,
    map,
    due,
    watermark,
    setTimer: (time, name) => timers.setEvent(time, name),
    deleteTimer: (time, name) => timers.deleteEvent(time, name),
    emit,
    emitAt,
    side: (item, time) =>
      sideAheadMs === undefined ? side.emit(item) : side.emitAt(time + sideAheadMs, item),
  }
}
