import { seededRandom } from '@millrace/world'
import { Dice } from '../topologies/dice.ts'
import {
  meetingKinds,
  partKinds,
  points,
  type Happening,
  type InputSpec,
  type PartSpec,
  type Scenario,
  type Setting,
} from './scenario.ts'

/** The most workers and leases that are drawn. */
export const workersMax = 64

/** Draws what happens in one simulation: the same for the same seed. */
export function drawScenario(seed: number): Scenario {
  const random = seededRandom(seed)
  const dice = (label: string): Dice => new Dice(random.fork(label))
  const setting = drawSetting(dice('setting'))
  const early = drawInputs(dice('inputs'), setting)
  const drawn = drawParts(dice('parts'), early, setting)
  const { inputs, parts } = withLateInput(dice('late'), early, drawn)
  const happenings = drawHappenings(dice('happenings'), setting)
  return { seed, setting, inputs, parts, happenings }
}

/** Most clusters are small: what goes wrong in a large one mostly goes wrong in a small one, and at a smaller price. */
function drawSetting(dice: Dice): Setting {
  const scale = dice.oneOf([
    'small',
    'small',
    'small',
    'small',
    'small',
    'medium',
    'medium',
    'medium',
    'large',
  ])
  const most = { small: 6, medium: 16, large: workersMax }[scale]
  const leases = scale === 'large' ? dice.between(17, most) : dice.between(1, most)
  const workers = dice.onceIn(3) ? leases : dice.between(1, Math.min(most, leases + 2))
  const everyMs = dice.oneOf(
    { small: [100, 300, 1_000], medium: [500, 1_000, 2_000], large: [3_000, 6_000] }[scale],
  )
  return {
    leases,
    workers,
    standbys: scale !== 'large' && dice.onceIn(3) ? dice.between(1, 2) : 0,
    areNamed: dice.onceIn(2),
    sessionMs: dice.oneOf(everyMs <= 300 ? [1_000, 3_000] : [1_000, 3_000, 10_000]),
    everyMs,
    isBounded: dice.onceIn(3),
    store: dice.onceIn(4) ? 'disk' : 'memory',
    batchRecords: dice.oneOf([1, 3, 1_024]),
    latencyMs: dice.oneOf([1, 5, 40]),
    markMs: dice.oneOf([0, 5, 200, 1_000]),
    deliveredMax: dice.oneOf({ small: [1, 5, 500], medium: [5, 500], large: [500] }[scale]),
    unevenMs: dice.oneOf([0, 0, 100, 400]),
    sinkBytes: dice.oneOf([400, 100_000]),
    slowShare: dice.oneOf([0, 0, 0.02, 0.2]),
    slowMs: dice.oneOf([1, 20, 200]),
    turnMs: scale === 'small' ? dice.oneOf([0, 1, 5]) : 0,
    skewMs: dice.oneOf([0, 1_000, 3_600_000]),
    // Each checkpoint has its price.
    produceMs: dice.oneOf(everyMs <= 300 ? [1_000, 3_000] : [2_000, 8_000, 20_000]),
    portions: dice.between(1, 12),
  }
}

function drawInputs(dice: Dice, { leases }: Setting): readonly InputSpec[] {
  const count = dice.between(1, 3)
  return Array.from({ length: count }, (_, index) => ({
    name: `in-${index}`,
    partitions: dice.onceIn(3) ? dice.between(1, 4) : dice.between(1, Math.min(12, leases + 3)),
    records: Math.ceil(dice.between(20, 160) / count),
    keys: dice.oneOf([1, 4, 20]),
    stepMs: dice.oneOf([1, 10, 50]),
    disorderMs: dice.oneOf([0, 30, 200]),
  }))
}

function drawParts(dice: Dice, inputs: readonly InputSpec[], { leases }: Setting): readonly PartSpec[] {
  // Each shuffle costs messages from each lease to each.
  const count = leases > 16 ? 1 : dice.oneOf([1, 1, 2, 3])
  const input = (): number => dice.between(0, inputs.length - 1)
  return Array.from({ length: count }, () => {
    const kind = dice.oneOf(partKinds)
    const [first, second] = [input(), input()]
    return {
      kind,
      inputs: meetingKinds.has(kind) ? [first, second] : [first],
      sizeMs: dice.oneOf([10, 50, 400]),
    }
  })
}

/** Windows with late records get an input of their own. */
function withLateInput(
  dice: Dice,
  inputs: readonly InputSpec[],
  parts: readonly PartSpec[],
): { readonly inputs: readonly InputSpec[]; readonly parts: readonly PartSpec[] } {
  if (!parts.some(({ kind }) => kind === 'late windows')) return { inputs, parts }
  const late: InputSpec = {
    name: 'in-late',
    partitions: 1,
    records: dice.between(20, 80),
    keys: dice.oneOf([1, 4, 20]),
    stepMs: dice.oneOf([10, 50]),
    disorderMs: dice.oneOf([0, 30]),
    lateMs: dice.oneOf([100, 1_000]),
  }
  return {
    inputs: [...inputs, late],
    parts: parts.map((part) => (part.kind === 'late windows' ? { ...part, inputs: [inputs.length] } : part)),
  }
}

function drawHappenings(dice: Dice, setting: Setting): readonly Happening[] {
  const count = dice.between(0, setting.workers > 16 ? 8 : 12)
  const happenings: Happening[] = []
  let atMs = 0
  for (let n = 0; n < count; n++) {
    atMs += dice.onceIn(3) ? dice.between(0, 50) : dice.between(0, Math.ceil((2 * setting.produceMs) / count))
    happenings.push(drawHappening(dice, atMs, setting))
  }
  return happenings
}

function drawHappening(dice: Dice, atMs: number, { sessionMs, latencyMs }: Setting): Happening {
  const who = dice.between(0, 1_000)
  // Within a session, about as long as one, or longer than anything waits.
  const forMs = dice.oneOf([
    dice.between(1, sessionMs),
    dice.between(sessionMs >> 1, 2 * sessionMs),
    dice.between(sessionMs, 4 * sessionMs),
    dice.between(1, 90_000),
  ])
  const backAfterMs = dice.onceIn(4) ? undefined : dice.between(0, dice.oneOf([50, 2 * sessionMs]))
  const kind = dice.oneOf([
    'kill',
    'kill',
    'kill',
    'freeze',
    'cut',
    'hit',
    'hit',
    'hit',
    'hit',
    'hit',
    'hit',
    'diskError',
    'outage',
    'slow',
    'lostAnswer',
    'lostAnswer',
    'add',
    'stop',
    'stop',
    'compact',
    'poison',
  ])
  switch (kind) {
    case 'kill': {
      const disk = dice.oneOf(['kept', 'torn', 'torn', 'new'])
      return { kind, atMs, who, disk, afterOperations: dice.onceIn(3) ? 0 : dice.between(1, 60), backAfterMs }
    }
    case 'freeze':
    case 'cut':
      return { kind, atMs, who, forMs }
    case 'hit':
      return drawHit(dice, atMs, who, sessionMs, backAfterMs)
    case 'diskError':
      return { kind, atMs, who, afterOperations: dice.between(0, 200) }
    case 'outage':
      return { kind, atMs, forMs: Math.ceil(forMs / 2) }
    case 'slow':
      return { kind, atMs, forMs, latencyMs: dice.between(1, 20) * latencyMs, markMs: dice.between(0, 2_000) }
    case 'lostAnswer':
      return { kind, atMs, who, outcome: dice.oneOf(['committed', 'open']) }
    case 'stop':
      return { kind, atMs, who, backAfterMs }
    case 'compact':
    case 'add':
    case 'poison':
      return { kind, atMs }
  }
}

function drawHit(
  dice: Dice,
  atMs: number,
  who: number,
  sessionMs: number,
  backAfterMs: number | undefined,
): Happening {
  const point = dice.onceIn(4) ? 'manifest' : dice.oneOf(points)
  return {
    kind: 'hit',
    atMs,
    who,
    point,
    after: dice.onceIn(2) ? 0 : dice.between(1, 8),
    how: dice.oneOf(
      point === 'manifest'
        ? ['kill', 'freeze', 'delay', 'poison', 'poison', 'fail']
        : ['kill', 'kill', 'freeze', 'freeze', 'cut', 'delay', 'poison'],
    ),
    forMs: dice.onceIn(4) ? dice.between(1, sessionMs) : dice.between(sessionMs, 4 * sessionMs),
    disk: dice.oneOf(['kept', 'torn', 'new']),
    afterOperations: dice.onceIn(2) ? 0 : dice.between(1, 30),
    backAfterMs,
  }
}
