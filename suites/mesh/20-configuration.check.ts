import { check } from '../../src/check/check.ts'
import { analyze } from '../../src/mesh/istioctl.ts'
import { routeConflicts } from '../../src/mesh/virtual-services.ts'

check(
  'mesh/analyze-clean',
  {
    asserts: 'istioctl analyze finds no error in any namespace; its warnings are listed',
    guide: '4,7',
    level: 'required',
    effect: 'reads',
    requires: ['istioctl'],
    remedy: [
      'Run istioctl analyze --all-namespaces',
      'Look up the code of a message at https://istio.io/latest/docs/reference/config/analysis',
    ],
  },
  async ({ stack, expect, measure }) => {
    const messages = await analyze(stack)
    const listMessages = (level: string) =>
      messages
        .filter((message) => message.level === level)
        .map(({ code, origin = 'the mesh', message }) => `${code} ${origin}: ${message}`)
    expect(listMessages('Error'), 'Errors of istioctl analyze').toBeNone()
    const warnings = listMessages('Warning')
    measure('warnings', warnings.length, 'messages')
    return warnings.length
      ? `istioctl analyze: no errors, ${warnings.length} warnings:\n${warnings.join('\n')}`
      : 'istioctl analyze: no errors and no warnings'
  },
)

check(
  'mesh/route-conflicts',
  {
    asserts: 'no two VirtualServices have the same host on the same gateway',
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    needs: ['mesh/crds'],
    remedy: [
      'Merge the VirtualServices into one, or remove the host from all but one of them',
      'Do not rely on the order: Istio does not define which of them wins',
    ],
  },
  async ({ stack, expect }) => {
    const services = await stack.all('networking.istio.io/v1beta1/VirtualService')
    const conflicts = routeConflicts(services)
    expect(conflicts, 'Hosts of more than one VirtualService').toBeNone()
    return services.length
      ? `${services.length} VirtualServices, no host twice on a gateway`
      : 'No VirtualServices in the cluster'
  },
)

check(
  'mesh/telemetry-one-per-namespace',
  {
    asserts: 'no namespace has more than one Telemetry resource without a selector (IST0160)',
    guide: '9,10',
    level: 'recommended',
    effect: 'reads',
    needs: ['mesh/crds'],
    remedy: [
      'Merge the Telemetry resources of the namespace into one (until then only the oldest is in effect)',
      'Or set spec.selector in all but one',
    ],
  },
  async ({ stack, expect }) => {
    const [version = 'v1alpha1'] = await stack.k8s.served.versionsOf('telemetries.telemetry.istio.io')
    const telemetries = await stack.all(`telemetry.istio.io/${version}/Telemetry`)
    const without = telemetries.filter(({ spec }) => !spec?.selector && !spec?.targetRef && !spec?.targetRefs?.length)
    const byNamespace = Map.groupBy(without, ({ metadata }) => metadata?.namespace)
    const double = [...byNamespace]
      .filter(([, group]) => group.length > 1)
      .map(([namespace, group]) => `${namespace}: ${group.map(({ metadata }) => metadata?.name).join(', ')}`)
    expect(double, 'Namespaces with more than one Telemetry without a selector').toBeNone()
    return `${telemetries.length} Telemetry resources; no namespace has two without a selector`
  },
)
