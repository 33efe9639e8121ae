import { shape } from '../src/shapes/shape.ts'

shape('cluster-domain', {
  healthy: 'the names of Services in the cluster end with a domain other than cluster.local',
  onTwin: { layout: { clusterDomain: 'corp.internal' } },
  onKind: { cannot: 'the domain of a cluster is set when it is made' },
})
