import type { Saboteur } from '../src/sabotage/saboteur.ts'
import { theGateway } from '../src/survey/surveyed.ts'

/** Makes an EnvoyFilter on the gateway. */
export async function gatewayFilter(saboteur: Saboteur, name: string, configPatches: object[]): Promise<void> {
  const { service, labels } = await theGateway(saboteur)
  await saboteur.make({
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name, namespace: service.namespace },
    spec: { workloadSelector: { labels }, configPatches },
  })
}

/** Makes one that merges `config` into the connection manager of the gateway's listeners, or of one port's. */
export const connectionManager = (
  saboteur: Saboteur,
  name: string,
  config: object,
  portNumber?: number,
): Promise<void> =>
  gatewayFilter(saboteur, name, [
    {
      applyTo: 'NETWORK_FILTER',
      match: {
        context: 'GATEWAY',
        listener: {
          ...(portNumber ? { portNumber } : {}),
          filterChain: { filter: { name: 'envoy.filters.network.http_connection_manager' } },
        },
      },
      patch: {
        operation: 'MERGE',
        value: {
          typed_config: {
            '@type':
              'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
            ...config,
          },
        },
      },
    },
  ])
