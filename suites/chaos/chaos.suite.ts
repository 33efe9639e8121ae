import { declareSuite } from '../../src/check/suite.ts'

await declareSuite('chaos')
