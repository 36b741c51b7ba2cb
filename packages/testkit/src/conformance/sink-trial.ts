import { SimFs } from '../sim-fs.ts'
import { SinkLife } from './sink-life.ts'
import type { SinkFeatures, SinkManifest, SinkSubject } from './sink-life.ts'

/** The subject of one case, and the lives that write to it. */
export class SinkTrial<T> {
  readonly subject: SinkSubject<T>
  readonly features: SinkFeatures

  constructor(subject: SinkSubject<T>, features: SinkFeatures) {
    this.subject = subject
    this.features = features
  }

  /** Starts the first life, or one after another was killed. */
  live(after?: SinkLife<T>, manifest: SinkManifest | undefined = after?.manifest): SinkLife<T> {
    return new SinkLife(this.subject, after?.fs.afterKill() ?? new SimFs(), manifest)
  }
}
