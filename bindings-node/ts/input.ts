import { invalid, type CallSite } from './errors.js'

/**
 * What the types of TypeScript promise and JavaScript does not keep. Bounds are the engine's
 * business; here is only what a native call could not take or would silently change.
 */

export function string(field: string, value: unknown, site: CallSite): string {
  if (typeof value !== 'string') throw invalid(field, `must be a string, is ${kind(value)}`, site)
  // Different lone surrogates become the same bytes on the wire: two names, one lock.
  if (!value.isWellFormed()) {
    throw invalid(field, 'must be well-formed Unicode, has a lone surrogate', site)
  }
  return value
}

export function optionalString(field: string, value: unknown, site: CallSite): string | undefined {
  return value === undefined ? undefined : string(field, value, site)
}

export function number(field: string, value: unknown, site: CallSite): number {
  if (typeof value === 'number') return value
  throw invalid(field, `must be a number, is ${kind(value)}`, site)
}

export function optionalNumber(field: string, value: unknown, site: CallSite): number | undefined {
  return value === undefined ? undefined : number(field, value, site)
}

export function optionalBoolean(
  field: string,
  value: unknown,
  site: CallSite,
): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value
  throw invalid(field, `must be true or false, is ${kind(value)}`, site)
}

export function optionalSignal(
  field: string,
  value: unknown,
  site: CallSite,
): AbortSignal | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'object' && value !== null && 'aborted' in value) {
    if ('addEventListener' in value) return value as AbortSignal
  }
  throw invalid(field, `must be an AbortSignal, is ${kind(value)}`, site)
}

export function callable<F>(field: string, value: F | undefined, site: CallSite): F {
  if (typeof value === 'function') return value
  throw invalid(field, `must be a function, is ${kind(value)}`, site)
}

/** An options object with no other keys than `known`: a misspelt option must not be ignored. */
export function options<T extends object>(
  field: string,
  value: T | null | undefined,
  known: ReadonlySet<string>,
  site: CallSite,
): Partial<T> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(field, `must be an object, is ${kind(value)}`, site)
  }
  for (const key in value) {
    if (!known.has(key)) throw invalid(`${field}.${key}`, 'is not an option', site)
  }
  return value
}

function kind(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`
}
