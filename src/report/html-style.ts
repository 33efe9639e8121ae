/** The page's look: system fonts, both colour schemes, and outcomes told by word and colour. */
export const style = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2128; --soft: #57606a; --line: #d8dee4; --panel: #f6f8fa;
  --good: #1a7f37; --bad: #cf222e; --odd: #9a6700; --calm: #57606a; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --soft: #9198a1;
  --line: #30363d; --panel: #161b22;
  --good: #3fb950; --bad: #f85149; --odd: #d29922; --calm: #9198a1; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header, main { padding: 1.25rem max(1.25rem, calc((100% - 68rem) / 2)); }
header { color: #fff; background: #57606a; }
header.certified { background: #1a7f37; }
header.certified-with-remarks { background: #9a6700; }
header.not-certified { background: #b3202a; }
header h1 { margin: 0; font-size: 2rem; } header p { margin: .25rem 0 0; }
h2 { margin: 2rem 0 .75rem; }
h2 small, h3 small { font-weight: 400; color: var(--soft); font-size: .8rem; margin-left: .5rem; }
.facts { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; align-items: flex-start; }
table { border-collapse: collapse; font-size: .88rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .25rem; }
th { text-align: left; font-weight: 400; color: var(--soft); }
th, td { padding: .15rem .9rem .15rem 0; vertical-align: top; }
nav { margin-top: 1.5rem; } nav a { margin-right: 1rem; }
a { color: inherit; }
article {
  border: 1px solid var(--line); border-left: 5px solid var(--calm); border-radius: 5px;
  padding: .6rem .9rem; margin: .5rem 0;
}
article.pass { border-left-color: var(--good); }
article.fail, article.error { border-left-color: var(--bad); }
article.blocked, article.waived { border-left-color: var(--odd); }
h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
.outcome {
  display: inline-block; min-width: 4.2rem; font-size: .78rem; text-transform: uppercase;
  letter-spacing: .04em; color: var(--calm);
}
.pass .outcome { color: var(--good); }
.fail .outcome, .error .outcome { color: var(--bad); }
.blocked .outcome, .waived .outcome { color: var(--odd); }
article p { margin: .3rem 0 0; }
.asserts { color: var(--soft); }
.seen { white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin-top: .4rem; } summary { cursor: pointer; color: var(--soft); font-size: .88rem; }
pre {
  margin: .3rem 0 0; padding: .7rem; overflow: auto; max-height: 26rem; font-size: .78rem;
  background: var(--panel); border-radius: 4px;
}
.measurements { margin-top: .4rem; }
.remarks, .waived { margin: .3rem 0 0; padding-left: 1.2rem; }
article img.picture { display: block; width: 100%; max-width: 60rem; margin-top: .6rem; }
.matrix { width: 100%; table-layout: fixed; }
.matrix td { overflow-wrap: anywhere; border-top: 1px solid var(--line); padding: .4rem .9rem .4rem 0; }
.matrix th:nth-child(1) { width: 14rem; }
.matrix th:nth-child(2) { width: 16rem; }
.matrix th:nth-child(3) { width: 8rem; }
.matrix td p { margin: 0 0 .3rem; } .matrix .pass { color: var(--good); } .matrix .fail { color: var(--bad); }
.left { border: 1px solid var(--bad); border-radius: 5px; padding: 0 1rem; }
`
