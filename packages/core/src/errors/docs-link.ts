/** Where the documentation is read. */
const docsUrl = 'https://github.com/millrace/millrace/blob/main/docs'

/** The sections that messages link to. */
export const docsSections = {
  changedPrograms: 'operating/checkpoints.md#changing-a-program',
  explain: 'operating/running.md#seeing-what-a-pipeline-does',
  guarantees: 'guide/connectors.md',
  lateRecords: 'guide/time-and-windows.md#late-records',
  quietInput: 'guide/time-and-windows.md#quiet-input',
} as const

/** The address of a section of the documentation. */
export function docsLink(section: keyof typeof docsSections): string {
  return `${docsUrl}/${docsSections[section]}`
}

/** The address of what the documentation says about an error. */
export function errorLink(code: string): string {
  return `${docsUrl}/operating/errors.md#${code}`
}
