/** What Millrace needs from Node: the file system and the facts of a process. */
export {}
