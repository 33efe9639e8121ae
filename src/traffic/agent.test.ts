import { describe, expect, test } from 'vitest'
import { ApiRefusal } from '../kube/errors.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { Agent } from './agent.ts'
import { AgentProblem } from './agent-pod.ts'
import { AgentProbe } from './agent-probe.ts'

const refusal = (code: number, reason: string) => new ApiRefusal('asking', { code, reason, message: `${reason}!` })
const GONE = refusal(404, 'NotFound')
const TO = { address: '10.0.0.1', port: 80, host: 'x' }

/** A cluster whose agent pods are `pods`, one after the other; `answer` is what each gives to a request. */
function clusterOf(pods: string[], answer: (pod: string, what: string, body: Record<string, unknown>) => unknown) {
  const asked: string[] = []
  const headers: Record<string, string>[] = []
  const cluster = {
    shared: (_: string, make: () => Promise<unknown>) => make(),
    namespace: () => Promise.resolve('plumb-agent-1'),
    applyFixture: () => Promise.resolve([]),
    until: () => {
      const name = pods.shift()
      const status = { conditions: [{ type: 'Ready', status: 'True' }] }
      return name ? Promise.resolve([{ metadata: { name }, status }]) : Promise.reject(new Error('no pod is Ready'))
    },
    k8s: {
      raw: (_: string, path: string, options: { body: string; headers: Record<string, string> }) => {
        const [, pod = '', what = ''] = /pods\/(.*):8080\/proxy\/(.*)/.exec(path) ?? []
        asked.push(`${pod} ${what}`)
        headers.push(options.headers)
        const given = answer(pod, what, JSON.parse(options.body) as Record<string, unknown>)
        return given instanceof Error ? Promise.reject(given) : Promise.resolve({ body: JSON.stringify(given) })
      },
    },
  }
  return { cluster: cluster as unknown as Cluster, asked, headers }
}
const answered = { status: 200, headers: {}, body: '', ms: 1 }

describe('the agent as the harness asks it', () => {
  test('carries the token of the run, which is another one each time', async () => {
    const first = clusterOf(['a'], () => answered)
    await new Agent(first.cluster).send(TO)
    const second = clusterOf(['a'], () => answered)
    await new Agent(second.cluster).send(TO)
    const tokens = [...first.headers, ...second.headers].map((each) => each['x-plumbline-token'])
    expect(tokens.every((token) => /^[0-9a-f]{64}$/.test(token ?? ''))).toBe(true)
    expect(new Set(tokens).size).toBe(2)
  })

  test.each([[404, 'NotFound'] as const, [503, 'ServiceUnavailable'] as const])(
    'sends once more what can be sent twice, from the next pod, after %i',
    async (code, reason) => {
      const { cluster, asked } = clusterOf(['a', 'b'], (pod) => (pod === 'a' ? refusal(code, reason) : answered))
      const agent = new Agent(cluster)
      expect(await agent.send(TO)).toMatchObject({ status: 200 })
      await agent.shakeHands({ address: 'x', port: 443, sni: '' })
      expect(asked).toEqual(['a request', 'b request', 'b handshake'])
    },
  )

  test('does not send a POST twice: that its pod was replaced is an error of the harness', async () => {
    const { cluster, asked } = clusterOf(['a', 'b'], (pod) => (pod === 'a' ? GONE : answered))
    const agent = new Agent(cluster)
    await expect(agent.send({ ...TO, method: 'POST' })).rejects.toMatchObject({
      name: 'AgentProblem',
      message: expect.stringContaining('Pod plumb-agent-1/a, the agent, was replaced') as string,
    })
    expect(await agent.send({ ...TO, method: 'POST' })).toMatchObject({ status: 200 })
    expect(asked).toEqual(['a request', 'b request'])
  })

  test('does not try again what the agent refuses', async () => {
    const { cluster, asked } = clusterOf(['a', 'b'], () => refusal(400, 'BadRequest'))
    await expect(new Agent(cluster).send(TO)).rejects.toMatchObject({ name: 'AgentProblem' })
    expect(asked).toEqual(['a request'])
  })

  test('an agent that does not start is an error of the harness, and is looked for again', async () => {
    const { cluster } = clusterOf([], () => answered)
    const agent = new Agent(cluster)
    const failure = { name: 'AgentProblem', message: expect.stringContaining('no pod is Ready') as string }
    await expect(agent.send(TO)).rejects.toMatchObject(failure)
    await expect(agent.send(TO)).rejects.toMatchObject(failure)
  })

  test.each([[GONE], [refusal(404, 'UnknownProbe')], [refusal(503, 'ServiceUnavailable')]])(
    'a probe whose pod is gone is an error that says so: %s',
    async (problem) => {
      const { cluster } = clusterOf(['a', 'b'], (_, what) => (what === 'probe' ? { id: 'p', now: 0 } : problem))
      const probe = await new Agent(cluster).probe(TO, { rate: 10 })
      const lost = { name: 'AgentProblem', message: expect.stringMatching(/^the agent pod was replaced/) as string }
      await expect(probe.until('never', () => 'not yet', 'request')).rejects.toMatchObject(lost)
      await expect(probe.end()).rejects.toMatchObject(lost)
    },
  )

  test('a probe goes on after one answer that the pod proxy lost', async () => {
    let lost = 0
    const sample = { due: 0, ms: 1, status: 200 }
    const { cluster } = clusterOf(['a'], (_, what, { from }) => {
      if (what === 'probe') return { id: 'p', now: 0 }
      return lost++ === 0 ? refusal(503, 'ServiceUnavailable') : { samples: from === 0 ? [sample] : [] }
    })
    const probe = await new Agent(cluster).probe(TO, { rate: 10 })
    await probe.until('one', ({ length }) => (length ? undefined : 'none'), 'request')
    expect(await probe.end()).toEqual([sample])
  })
})

test('a probe that the agent ended because nobody asked does not pass for one without failures', async () => {
  const probe = await AgentProbe.follow(
    () => Promise.resolve({ id: '0', now: 0 }),
    () => Promise.resolve({ samples: [], forgotten: true }),
  )
  await expect(probe.end()).rejects.toThrow(AgentProblem)
})
