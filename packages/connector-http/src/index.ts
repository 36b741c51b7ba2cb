/** Receives and sends records over HTTP in Millrace pipelines. */
export {}
