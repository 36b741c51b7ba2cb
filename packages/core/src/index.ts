/** The Millrace engine: time, state, operators, checkpoints and the runtime. */
export {}
