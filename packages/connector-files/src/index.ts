/** Reads and writes files in Millrace pipelines. */
export {}
