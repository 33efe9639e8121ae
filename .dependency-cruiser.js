import { FLOORS } from './rooms.ts'

/** For each room the rooms that it must not import: those beside it and those above it. */
const floors = FLOORS.flatMap((floor, at) =>
  floor.map((room) => {
    const beside = floor.filter(({ name }) => name !== room.name)
    const forbidden = [...FLOORS.slice(0, at).flat(), ...beside].map(({ name }) => name)
    return {
      name: `${room.name}-imports-only-what-stands-below-it`,
      severity: 'error',
      from: { path: `^src/${room.name}/`, pathNot: '\\.test\\.ts$' },
      to: { path: `^src/(${forbidden.join('|')})/` },
    }
  }),
)
const known = FLOORS.flat().map(({ name }) => name)

export default {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    ...floors.filter(({ to }) => to.path !== '^src/()/'),
    {
      name: 'every-room-is-in-the-table',
      severity: 'error',
      comment: 'A folder of src/ that rooms.ts does not name.',
      from: { path: '^(src|suites|twin|test|sabotage|shapes)/' },
      to: { path: '^src/', pathNot: `^src/(${known.join('|')})/` },
    },
    {
      name: 'twin-and-src-meet-on-the-wire',
      severity: 'error',
      from: { path: '^(src|twin)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(src|twin)/', pathNot: '^$1/' },
    },
    {
      name: 'suites-know-no-command-and-no-target',
      severity: 'error',
      from: { path: '^suites/' },
      to: { path: '^src/(cli|sabotage|run|report|guide|targets|install)/' },
    },
    {
      name: 'a-suite-does-not-import-another',
      severity: 'error',
      from: { path: '^suites/([^/]+)/' },
      to: { path: '^suites/', pathNot: '^suites/$1/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.json'] },
  },
}
