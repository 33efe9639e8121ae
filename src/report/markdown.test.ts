import { expect, test } from 'vitest'
import { codeBlock, codeSpan } from './markdown.ts'

test.each([
  ['plain', 'plain', '`plain`'],
  ['a mention', 'ask @somebody', '`ask @somebody`'],
  ['a link and an image', '[x](http://evil) ![y](http://evil)', '`[x](http://evil) ![y](http://evil)`'],
  ['a backtick', 'a ` <img src=x>', '``a ` <img src=x>``'],
  ['runs of backticks at its ends', '``x```', '```` ``x``` ````'],
  ['a paragraph that would end it', 'a\n\n# b', '`a # b`'],
  ['nothing', ' \n', ''],
])('a code span of %s', (_, text, span) => {
  expect(codeSpan(text)).toBe(span)
})

test('a code block keeps lines, and none of them ends it', () => {
  expect(codeBlock('a\n```\n\n<b>', '  ')).toEqual(['  ````text', '  a', '  ```', '', '  <b>', '  ````'])
})
