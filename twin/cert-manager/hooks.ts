import { Hook } from '../hook.ts'

export class CertManagerHooks {
  /** The names that go into a certificate that is issued. */
  readonly issuedNames = new Hook<readonly string[]>()
  /** The names that the certificate in a Secret must have; `issued` are those that it has. */
  readonly requiredNames = new Hook<readonly string[], { issued: readonly string[] }>()
}
