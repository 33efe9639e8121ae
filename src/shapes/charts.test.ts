import { describe, expect, test } from 'vitest'
import { renderRelease } from './charts.ts'

const RELEASE = { chart: 'gateway', name: 'edge', namespace: 'edge' }

describe('a release of a chart', () => {
  test('names the flag where no folder of charts is given, and the folder where the chart is not in it', async () => {
    await expect(renderRelease(undefined, RELEASE, 'v1.34.4')).rejects.toThrow(
      'The chart gateway was not found: name the folder that has it by --charts or PLUMBLINE_CHARTS.',
    )
    await expect(renderRelease('/nowhere', RELEASE, 'v1.34.4')).rejects.toThrow(
      'The chart gateway was not found in /nowhere: name the folder',
    )
  })
})
