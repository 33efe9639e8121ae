import type { Saboteur } from '../src/sabotage/saboteur.ts'
import { servedApi } from '../src/cluster/served.ts'
import { theGateway } from '../src/survey/surveyed.ts'

/** Makes an AuthorizationPolicy of the gateway with these rules. */
export async function policy(saboteur: Saboteur, name: string, rules: object[]): Promise<void> {
  const { service, labels } = await theGateway(saboteur)
  await saboteur.make({
    apiVersion: await servedApi(saboteur, 'security.istio.io/AuthorizationPolicy'),
    kind: 'AuthorizationPolicy',
    metadata: { name, namespace: service.namespace },
    spec: { selector: { matchLabels: labels }, action: 'DENY', rules },
  })
}

/** Makes one by which the gateway answers 403, but not to net-istio's probes: Routes become Ready. */
export const deny = (
  saboteur: Saboteur,
  name: string,
  operation: { hosts: string[]; ports?: string[] },
): Promise<void> =>
  policy(saboteur, name, [
    { to: [{ operation }], when: [{ key: 'request.headers[k-network-probe]', notValues: ['*'] }] },
  ])
