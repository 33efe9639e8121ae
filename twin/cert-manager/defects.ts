import type { ComponentDefects } from '../hook.ts'
import type { CertManagerHooks } from './hooks.ts'

export const CERT_MANAGER_DEFECTS = {
  // cert-manager issues certificates with the first name only, and is content with them.
  'certificates-unnamed': ({ issuedNames, requiredNames }, defect) => {
    issuedNames.alter(defect, (names) => names.slice(0, 1))
    requiredNames.alter(defect, (_, { issued }) => issued)
  },
} satisfies ComponentDefects<CertManagerHooks>
