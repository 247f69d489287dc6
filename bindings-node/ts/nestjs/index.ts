/**
 * Quorlock for NestJS: a module, a decorator, a health indicator.
 *
 * @packageDocumentation
 */
export { currentGuard } from './current-guard.js'
export { QuorlockHealthIndicator, type QuorlockHealthResult } from './health.js'
export { Locked, type LockedOptions, type LockKey } from './locked.js'
export { QuorlockModule } from './module.js'
export type {
  QuorlockAsyncOptions,
  QuorlockNaming,
  QuorlockOptions,
  QuorlockOptionsFactory,
} from './options.js'
export { QuorlockTestingModule } from './testing.js'
export { InjectQuorlock, quorlockToken } from './tokens.js'
