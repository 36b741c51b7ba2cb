/** The in-memory state store of Millrace. */
export {}
