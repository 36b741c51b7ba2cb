/** The fluent, typed language of Millrace pipelines and its standard operators. */
export {}
