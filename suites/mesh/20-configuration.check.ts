import { allServed } from '../../src/cluster/served.ts'
import { check } from '../../src/check/check.ts'
import { telemetriesOf } from '../../src/logs/telemetries.ts'
import { analyze, namespaceOf, type AnalyzeMessage } from '../../src/mesh/istioctl.ts'
import { routeConflicts, type RouteConflict } from '../../src/mesh/virtual-services.ts'
import { stackNamespaces } from '../../src/survey/stack-namespaces.ts'
import { clusterDomain } from '../../src/survey/surveyed.ts'
import { counted } from '../../src/core/counted.ts'

check(
  'mesh/analyze-clean',
  {
    asserts:
      "istioctl analyze finds no error in the stack's own namespaces; those of tenants are remarks, and warnings are " +
      'listed',
    guide: '4,7',
    level: 'required',
    effect: 'reads',
    requires: ['istioctl'],
    remedy: [
      'Run istioctl analyze --all-namespaces',
      'Look up the code of a message at https://istio.io/latest/docs/reference/config/analysis',
    ],
  },
  async ({ stack, expect, measure, remark }) => {
    const messages = await analyze(stack)
    const own = stackNamespaces(await stack.survey())
    const textOf = ({ code, origin = 'the mesh', message }: AnalyzeMessage) => `${code} ${origin}: ${message}`
    const errors = messages.filter(({ level }) => level === 'Error')
    const isTenants = (message: AnalyzeMessage) => !own.has(namespaceOf(message) ?? '') && namespaceOf(message)
    for (const error of errors.filter(isTenants)) remark(`istioctl analyze: ${textOf(error)}`, namespaceOf(error))
    expect(errors.filter((error) => !isTenants(error)).map(textOf), 'Errors of istioctl analyze').toBeNone()
    const warnings = messages.filter(({ level }) => level === 'Warning').map(textOf)
    measure('warnings', warnings.length, 'messages')
    return warnings.length
      ? `istioctl analyze: no errors of the stack, ${counted(warnings.length, 'warning')}:\n${warnings.join('\n')}`
      : 'istioctl analyze: no errors of the stack and no warnings'
  },
)

check(
  'mesh/route-conflicts',
  {
    asserts:
      'no two VirtualServices want the same requests of one host on the same gateway; those of tenants are remarks',
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    needs: ['mesh/crds'],
    remedy: [
      'Merge the VirtualServices into one, or remove the host from all but one of them',
      'Do not rely on the order: Istio does not define which of them wins',
    ],
  },
  async ({ stack, expect, remark }) => {
    const services = await allServed(stack, 'networking.istio.io/VirtualService')
    const own = stackNamespaces(await stack.survey())
    const conflicts = routeConflicts(services, await clusterDomain(stack))
    const isOwn = ({ namespaces }: RouteConflict) => namespaces.some((namespace) => own.has(namespace))
    for (const { text, namespaces } of conflicts.filter((conflict) => !isOwn(conflict)))
      remark(`Several VirtualServices want the same requests: ${text}.`, namespaces[0])
    expect(
      conflicts.filter(isOwn).map(({ text }) => text),
      'Hosts of which several VirtualServices want the same requests',
    ).toBeNone()
    return services.length
      ? `${counted(services.length, 'VirtualService')}, none of the stack in conflict with another`
      : 'No VirtualServices in the cluster'
  },
)

check(
  'mesh/telemetry-one-per-namespace',
  {
    asserts:
      "none of the stack's namespaces has more than one Telemetry resource without a selector (IST0160); those of " +
      'tenants are remarks',
    guide: '9,10',
    level: 'recommended',
    effect: 'reads',
    needs: ['mesh/crds'],
    remedy: [
      'Merge the Telemetry resources of the namespace into one (until then only the oldest is in effect)',
      'Or set spec.selector in all but one',
    ],
  },
  async ({ stack, expect, remark }) => {
    const survey = await stack.survey()
    const telemetries = await telemetriesOf(stack)
    const without = telemetries.filter(({ spec }) => !spec?.selector && !spec?.targetRef && !spec?.targetRefs?.length)
    const byNamespace = Map.groupBy(without, ({ metadata }) => metadata?.namespace)
    const double = [...byNamespace]
      .filter(([, group]) => group.length > 1)
      .map(([namespace = '', group]) => ({
        namespace,
        text: `${namespace}: ${group.map(({ metadata }) => metadata?.name).join(', ')}`,
      }))
    const own = stackNamespaces(survey)
    for (const { text, namespace } of double.filter((each) => !own.has(each.namespace)))
      remark(`More than one Telemetry without a selector is in namespace ${text}; the oldest is in effect.`, namespace)
    expect(
      double.filter(({ namespace }) => own.has(namespace)).map(({ text }) => text),
      'Namespaces with more than one Telemetry without a selector',
    ).toBeNone()
    return `${telemetries.length} Telemetry resources; no namespace of the stack has two without a selector`
  },
)
