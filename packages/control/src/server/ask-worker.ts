/** After so long another worker does not answer, in milliseconds. */
const answerMs = 10_000

/** Sends a request to the control API of another worker. */
export async function askWorker(url: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  // oxlint-disable-next-line no-restricted-globals -- the control API is a door to the network
  return fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(answerMs) })
}
