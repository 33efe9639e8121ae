import { expect, test } from 'vitest'
import type { Cluster } from '../cluster/cluster.ts'
import { Cloud } from './cloud.ts'

test('a load balancer that could not be looked up is looked up anew', async () => {
  let asked = 0
  const survey = () => Promise.reject(new Error(`answer ${++asked}`))
  const cloud = new Cloud({ config: {}, survey, run: { aws: { region: 'eu-west-1' } } } as unknown as Cluster)
  await expect(cloud.nlb()).rejects.toThrow('answer 1')
  await expect(cloud.nlb()).rejects.toThrow('answer 2')
})
