import { absent, found } from '../src/survey/fact.ts'
import type { Survey, Workload } from '../src/survey/survey.ts'

const workload = (namespace: string, app: string): Workload => ({
  ...{ kind: 'Deployment', namespace, name: app, replicas: 1, podLabels: { app }, selector: { app } },
})

/** A survey with the workloads of a stack, each in a namespace of its own, and no more. */
export const smallSurvey = {
  istiods: found([{ workload: workload('mesh', 'istiod'), rootNamespace: 'mesh' }], ''),
  gateways: found(
    [
      {
        role: 'certified',
        service: { namespace: 'edge', name: 'gateway' },
        workloads: [workload('edge', 'gateway')],
        balancer: found(
          { maker: 'aws-lbc', controller: workload('kube-system', 'balancer'), announcers: [], addresses: [] },
          '',
        ),
      },
      { role: 'other', service: { namespace: 'edge', name: 'other' }, workloads: [workload('edge', 'other')] },
    ],
    '',
  ),
  ambient: absent('no ztunnel'),
  knative: found(
    {
      namespace: 'serving',
      components: { controller: workload('serving', 'controller'), activator: workload('serving', 'activator') },
    },
    '',
  ),
  certManager: absent('no cert-manager'),
} as unknown as Survey
