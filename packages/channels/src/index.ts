/** Channels, select and scopes: the concurrency that Millrace is built on. */
export {}
