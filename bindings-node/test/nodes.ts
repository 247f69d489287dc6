let last = 0

/** An embedded node that no other test uses. */
export function memory(): string[] {
  return [`memory://test-${process.pid}-${++last}`]
}

/** Resolves after `ms`. */
export function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
