/** Operator harness, simulator and conformance kits for Millrace pipelines and connectors. */
export {}
