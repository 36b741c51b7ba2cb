/** A value that survives JSON unchanged: positions, committables and whatever else a manifest holds. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }
