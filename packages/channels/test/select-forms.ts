import { select, trySelect } from '../src/channel/select.ts'
import type { Selected, SelectCases, SelectOptions, TrySelectOptions } from '../src/channel/select.ts'
import { Selector } from '../src/channel/selector.ts'

/**
 * Both ways to choose among operations: tests apply to both.
 *
 * Cases that are not functions report the same from both; for cases of any type the compiler cannot infer it.
 */
export const selectForms: readonly {
  readonly form: string
  readonly select: typeof select
  readonly trySelect: typeof trySelect
}[] = [
  { form: 'select', select, trySelect },
  {
    form: 'Selector',
    select: <const Cases extends SelectCases>(cases: Cases, options?: SelectOptions) =>
      new Selector(cases, options).next(options?.signal) as Promise<unknown> as Promise<Selected<Cases>>,
    trySelect: <const Cases extends SelectCases>(cases: Cases, options?: TrySelectOptions) =>
      new Selector(cases, options).try() as unknown as Selected<Cases> | undefined,
  },
]
