import { expect, test } from 'vitest'
import { oldestOfAll } from './peer-authentication.ts'

const policy = (name: string, creationTimestamp: string, matchLabels?: Record<string, string>) => ({
  metadata: { name, creationTimestamp },
  spec: matchLabels ? { selector: { matchLabels } } : {},
})

test('the policy of a namespace is its oldest without a selector, wherever it stands in the list', () => {
  const policies = [
    policy('a-newer', '2026-02-01T00:00:00Z'),
    policy('b-selecting', '2025-01-01T00:00:00Z', { app: 'x' }),
    policy('c-older', '2026-01-01T00:00:00Z', {}),
  ]
  expect(oldestOfAll(policies)?.metadata?.name).toBe('c-older')
  expect(oldestOfAll([])).toBeUndefined()
})
