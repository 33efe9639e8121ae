import type { KubernetesObject } from '../src/core/object.ts'

/** An EnvoyFilter on the gateways. */
export const gatewayFilter = (name: string, configPatches: object[]): KubernetesObject => ({
  apiVersion: 'networking.istio.io/v1alpha3',
  kind: 'EnvoyFilter',
  metadata: { name, namespace: 'istio-system' },
  spec: { workloadSelector: { labels: { istio: 'ingressgateway' } }, configPatches },
})

/** An EnvoyFilter that merges `config` into the connection manager of the gateways' listeners, or of one port's. */
export const connectionManager = (name: string, config: object, portNumber?: number): KubernetesObject =>
  gatewayFilter(name, [
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
