import { MillraceError } from '@millrace/core'

/** Loads a package that need not be installed. Rejects with `PACKAGE_MISSING` and the message if it is not. */
export async function optionalPackage<T>(load: () => Promise<T>, message: string): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new MillraceError('PACKAGE_MISSING', message, { cause: error })
  }
}
