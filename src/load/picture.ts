import { perSecond, type Sample } from '../traffic/samples.ts'
import type { Step } from '../cluster/timeline.ts'

/** A line that keeps its value until the next step: pods wanted, pods Ready. */
export interface Staircase {
  name: string
  steps: readonly Step<number>[]
}

/** What a picture shows, all on one time axis in milliseconds from the same beginning. */
export interface PictureContent {
  title: string
  samples: readonly Sample[]
  stairs: readonly Staircase[]
  /** The ServerlessService's mode, where there is one. */
  mode?: readonly Step<string>[]
  /** What was done when: a fault with its begin and end, or a part of the load. */
  spans?: readonly { name: string; from: number; to: number }[]
}

const WIDTH = 960
/** The width of a letter, in heights of the font. */
const LETTER = 0.6
const COLORS = ['--line-1', '--line-2', '--line-3', '--line-4', '--line-5']
// Colours that read on white and on black; the picture itself asks which it is.
const STYLE = `<style>
svg {
  --ink: #1f2328; --faint: #d0d7de; --span: #8250df; --bad: #cf222e;
  --line-1: #0969da; --line-2: #1a7f37; --line-3: #bc4c00; --line-4: #8250df;
}
@media (prefers-color-scheme: dark) {
  svg {
    --ink: #e6edf3; --faint: #30363d; --span: #a371f7; --bad: #ff7b72;
    --line-1: #58a6ff; --line-2: #3fb950; --line-3: #f0883e; --line-4: #d2a8ff;
  }
}
</style>`

/**
 * Draws a check's course as an SVG that needs nothing else: rates and failures, latency, pods, each below the other.
 */
export async function drawCourse(content: PictureContent): Promise<string> {
  // Loaded where a picture is drawn alone: most checks draw none.
  const { init, setPlatformAPI } = await import('echarts')
  // Without a browser nothing measures a text: a name that is taken for shorter than it is runs into the next.
  setPlatformAPI({
    measureText: (text, font = '') => ({
      width: text.length * LETTER * (parseFloat(font.match(/[\d.]+px/)?.[0] ?? '') || 12),
    }),
  })
  const panels = panelsOf(content)
  const height = panels.reduce((sum, { height: own }) => sum + own + 50, 50)
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  try {
    chart.setOption(optionOf(content, panels))
    return themed(chart.renderToSVGString())
  } finally {
    chart.dispose()
  }
}

interface Panel {
  name: string
  height: number
  series: PanelSeries[]
  whole: boolean
}

interface PanelSeries {
  name: string
  color: string
  data: [number, number][]
  step?: boolean
  area?: boolean
}

function panelsOf({ samples, stairs }: PictureContent): Panel[] {
  const seconds = perSecond(samples)
  const served = Map.groupBy(
    samples.filter(({ status }) => status === 200),
    ({ due, ms }) => Math.floor((due + ms) / 1000),
  )
  const ends = [...served].toSorted(([a], [b]) => a - b).map(([second, all]): [number, number] => [second, all.length])
  const panels: Panel[] = [
    {
      name: 'requests a second',
      height: 120,
      whole: true,
      series: [
        { name: 'offered', color: '--line-1', data: seconds.map(({ second, sent }) => [second, sent]) },
        { name: 'served', color: '--line-2', data: ends },
        { name: 'failed', color: '--bad', area: true, data: seconds.map(({ second, failed }) => [second, failed]) },
      ],
    },
    {
      name: 'milliseconds',
      height: 110,
      whole: false,
      series: [
        { name: 'p50', color: '--line-1', data: seconds.map(({ second, p50 }) => [second, p50]) },
        { name: 'p95', color: '--line-3', data: seconds.map(({ second, p95 }) => [second, p95]) },
        { name: 'max', color: '--bad', data: seconds.map(({ second, max }) => [second, max]) },
      ],
    },
  ]
  if (stairs.length > 0) {
    panels.push({
      name: 'pods',
      height: 110,
      whole: true,
      series: stairs.map(({ name, steps }, at) => ({
        name,
        color: COLORS[at % COLORS.length] ?? '--line-1',
        step: true,
        data: steps.map(({ at: ms, value }) => [Math.max(0, ms) / 1000, value]),
      })),
    })
  }
  return panels
}

function optionOf(
  { title, samples, stairs, mode, spans }: PictureContent,
  panels: readonly Panel[],
): Record<string, unknown> {
  const ends = [
    ...samples.map(({ due, ms }) => due + ms),
    ...stairs.flatMap(({ steps }) => steps.map(({ at }) => at)),
    ...(spans ?? []).map(({ to }) => to),
  ]
  const last = Math.ceil(Math.max(1000, ...ends) / 1000)
  let top = 66
  const grids = panels.map(({ height }) => {
    const grid = { left: 56, right: 20, top, height }
    top += height + 50
    return grid
  })
  const line = { lineStyle: { color: '--faint' } }
  const text = { color: '--ink', fontFamily: 'system-ui, sans-serif' }
  const bands = [
    ...(spans ?? []).map((each) => ({ ...each, color: '--span' })),
    ...bandsOf(mode ?? [], last * 1000).map((each) => ({
      ...each,
      color: each.name === 'Serve' ? '--line-2' : '--line-3',
    })),
  ]
  return {
    animation: false,
    title: { text: title, left: 8, top: 4, textStyle: { ...text, fontSize: 14 } },
    legend: panels.map(({ series }, at) => ({
      top: (grids[at]?.top ?? 0) - 26,
      right: 16,
      icon: 'roundRect',
      itemHeight: 3,
      textStyle: text,
      data: series.map(({ name, color }) => ({ name, itemStyle: { color } })),
    })),
    grid: grids,
    xAxis: panels.map((_, at) => ({
      type: 'value',
      gridIndex: at,
      min: 0,
      max: last,
      axisLabel: { ...text, formatter: '{value} s' },
      axisLine: line,
      splitLine: { show: false },
    })),
    yAxis: panels.map(({ name, whole }, at) => ({
      type: 'value',
      gridIndex: at,
      name,
      nameTextStyle: { ...text, align: 'left', padding: [0, 0, 0, -40] },
      min: 0,
      ...(whole ? { minInterval: 1 } : {}),
      axisLabel: text,
      splitLine: line,
    })),
    series: panels.flatMap(({ series }, panel) =>
      series.map(({ name, color, data, step, area }, at) => ({
        name,
        type: 'line',
        xAxisIndex: panel,
        yAxisIndex: panel,
        data: step && data.length ? [...data, [last, data.at(-1)?.[1] ?? 0]] : data,
        ...(step ? { step: 'end' } : {}),
        showSymbol: false,
        ...(area ? { areaStyle: { color, opacity: 0.3 } } : {}),
        lineStyle: { color, width: 1.5 },
        itemStyle: { color },
        ...(at === 0 ? { markArea: areaOf(bands, panel, panels.length, text) } : {}),
      })),
    ),
  }
}

/** The modes as bands in the panel of the pods alone, faults in all of them. */
function areaOf(
  bands: readonly { name: string; from: number; to: number; color: string }[],
  panel: number,
  panels: number,
  text: object,
): object {
  const shown = bands.filter(({ color }) => color === '--span' || panel === panels - 1)
  return {
    silent: true,
    data: shown.map(({ name, from, to, color }) => [
      {
        name: panel === 0 || color !== '--span' ? name : '',
        xAxis: from / 1000,
        itemStyle: { color, opacity: 0.12 },
        label: { ...text, position: color === '--span' ? 'insideTop' : 'insideBottom', fontSize: 11 },
      },
      { xAxis: to / 1000 },
    ]),
  }
}

const bandsOf = (steps: readonly Step<string>[], last: number) =>
  steps.map(({ at, value }, index) => ({ name: value, from: Math.max(0, at), to: steps[index + 1]?.at ?? last }))

/** Names of colours become those of the reader's own theme. */
const themed = (svg: string): string =>
  svg
    .replace(/"(--[a-z0-9-]+)"/g, '"var($1)"')
    .replace(/(fill|stroke):\s*(--[a-z0-9-]+)/g, '$1:var($2)')
    .replace(/(<svg[^>]*>)/, `$1${STYLE}`)
