/** Generates records in Millrace pipelines, for trials and measurements. */
export {}
