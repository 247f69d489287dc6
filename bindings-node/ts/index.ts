/**
 * Distributed locks over independent Redis or Valkey servers.
 *
 * @packageDocumentation
 */
export { Client, type ClientOptions } from './client.js'
export { Election, type ElectOptions, type WonOptions } from './election.js'
export {
  AbortError,
  ClientClosedError,
  ConfigError,
  InternalError,
  InvalidArgumentError,
  LeaseLostError,
  LockContendedError,
  LockTimeoutError,
  NotHeldError,
  ProtocolError,
  QuorlockError,
  QuorumUnavailableError,
  type ErrorCode,
} from './errors.js'
export { Guard, type DetachOptions } from './guard.js'
export { Lock } from './lock.js'
export { Multi } from './multi.js'
export { Mutex, type AcquireOptions, type Work } from './mutex.js'
export { Once } from './once.js'
export type {
  Fault,
  FaultClass,
  Health,
  HealthWarning,
  Inspection,
  LockEvent,
  LossReason,
  NodeHealth,
  NodeOutcome,
  NodeStatus,
  NodeView,
  Released,
  Stats,
} from './reports.js'
export { Semaphore, type PermitOptions } from './semaphore.js'
export { Ticket } from './ticket.js'
