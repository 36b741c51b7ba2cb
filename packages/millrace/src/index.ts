/** Stream processing for TypeScript: one file, always current, exact after a crash. */
export {}
