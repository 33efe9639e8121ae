/** The merge patch that takes an object back where `change` reaches: what stood there, or null. */
export function restoring(before: unknown, change: object): object {
  const had = (before ?? {}) as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(change).map(([key, value]) => {
      const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
      const hadMap = typeof had[key] === 'object' && had[key] !== null && !Array.isArray(had[key])
      return [key, isMap && hadMap ? restoring(had[key], value as object) : (had[key] ?? null)]
    }),
  )
}
