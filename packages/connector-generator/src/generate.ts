import { MillraceError } from '@millrace/core'
import type { ConnectorContext, Discovery, Source, SplitReader } from '@millrace/core/connector'
import { planOf, type GenerateOptions, type GeneratorPlan } from './generator-plan.ts'
import { GeneratorReader, type GeneratorPosition } from './generator-reader.ts'

/**
 * Returns a source that generates records, for trials, tests and benchmarks.
 *
 * A record depends on the seed and its index only. The same options give the same records in every run, with
 * any number of splits, and a restart continues at the position in the checkpoint.
 *
 * Throws `OPTION_INVALID` for invalid options.
 *
 * @example
 * p.from('payments', generator.generate({
 *   seed: 7,
 *   rate: 1_000,
 *   make: ({ index, time, random }) => ({ id: index, at: time, amount: random.int(100) }),
 * }))
 */
export function generate<T>(options: GenerateOptions<T>): Source<T, GeneratorPosition> {
  return new GeneratorSource(planOf(options))
}

class GeneratorSource<T> implements Source<T, GeneratorPosition> {
  readonly kind = 'generator'
  readonly durability = 'replayable'
  readonly #plan: GeneratorPlan<T>

  constructor(plan: GeneratorPlan<T>) {
    this.#plan = plan
  }

  discover(context: ConnectorContext): Promise<Discovery> {
    if (context.isBounded && this.#plan.count === Infinity) {
      return Promise.reject(
        new MillraceError('OPTION_INVALID', 'the generator has no end, but the job is bounded. Set count'),
      )
    }
    const { splits } = this.#plan
    return Promise.resolve({
      splits: Array.from({ length: splits }, (_, split) => splitName(split, splits)),
      isComplete: true,
    })
  }

  open(
    split: string,
    from: GeneratorPosition | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<T, GeneratorPosition>> {
    const { splits } = this.#plan
    const number = Number.parseInt(split, 10)
    if (!(number < splits) || split !== splitName(number, splits)) {
      return Promise.reject(
        new MillraceError(
          'CHECKPOINT_INCOMPATIBLE',
          `source ${context.name} has no split ${split}: it is generated in ${splits} splits now; ` +
            'a checkpoint can be continued only with the number of splits it was made with',
        ),
      )
    }
    const start = from === undefined ? 0 : from?.index
    if (!Number.isSafeInteger(start) || start < 0) {
      return Promise.reject(
        new MillraceError(
          'CHECKPOINT_INCOMPATIBLE',
          `source ${context.name}, split ${split}: ${JSON.stringify(from)} is not a valid generator position. Use another data directory, or the source that wrote the checkpoint`,
        ),
      )
    }
    return Promise.resolve(new GeneratorReader(this.#plan, number, split, start, context))
  }
}

/** The name contains the number of splits, because it determines which records a split has. */
function splitName(split: number, splits: number): string {
  return `${split}-of-${splits}`
}
