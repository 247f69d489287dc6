/**
 * Locks that go with BullMQ jobs: taken by the publisher, given back when the work is done.
 *
 * @packageDocumentation
 */
export type { JobLock, Locked } from './locked-data.js'
export {
  lockedProcessor,
  type LockedProcessor,
  type LockedProcessorOptions,
  type LockedWork,
} from './processor.js'
export { addLocked, addWithGuard, type LockedQueue, type PublishOptions } from './publish.js'
