/** Reads standard input and writes standard output in Millrace pipelines. */
export {}
