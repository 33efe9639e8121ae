/**
 * A signal that aborts after `ms` milliseconds, or with `other`. To be ended by `using`, or by its dispose.
 * AbortSignal.any over an AbortSignal.timeout would be shorter, and does not always abort: where nothing else holds the
 * timeout, the garbage collector takes it before its time (seen with Node 24.21). Here a timer holds it.
 */
export function timeLimit(
  ms: number,
  other?: AbortSignal,
): { signal: AbortSignal; passed: () => boolean } & Disposable {
  const controller = new AbortController()
  let passed = false
  const timer = setTimeout(() => {
    passed = true
    controller.abort(new DOMException(`nothing within ${ms / 1000} s`, 'TimeoutError'))
  }, ms)
  const follow = () => controller.abort(other?.reason)
  if (other?.aborted) follow()
  else other?.addEventListener('abort', follow, { once: true })
  return {
    signal: controller.signal,
    passed: () => passed,
    [Symbol.dispose]() {
      clearTimeout(timer)
      other?.removeEventListener('abort', follow)
    },
  }
}
