/**
 * Locks that go with BullMQ jobs, for NestJS.
 *
 * @packageDocumentation
 */
import { WorkerHost } from '@nestjs/bullmq'
import type { OnModuleDestroy } from '@nestjs/common'
import type { Job } from 'bullmq'

import {
  lockedProcessor,
  type LockedProcessor,
  type LockedProcessorOptions,
} from '../bullmq/processor.js'
import type { Locked } from '../bullmq/locked-data.js'
import type { Client } from '../client.js'
import type { Guard } from '../guard.js'
import { withGuard } from '../nestjs/current-guard.js'
import { run } from '../nestjs/running.js'

/**
 * A `@Processor()` whose jobs come with their lock: it is taken over, renewed, and given back around
 * {@link work}, as {@link lockedProcessor} describes. `currentGuard()` works in all that it calls.
 *
 * ```ts
 * @Processor('payments')
 * export class PaymentsProcessor extends LockedWorkerHost<Order, Receipt> {
 *   constructor(client: Client) {
 *     super(client, { whenExpired: 'acquire' })
 *   }
 *
 *   async work(job: Job<Locked<Order>>, guard: Guard, signal: AbortSignal): Promise<Receipt> {
 *     return this.bank.charge(job.data, guard.fencingToken, signal)
 *   }
 * }
 * ```
 *
 * When the application shuts down, jobs that run are waited for before the client closes.
 */
export abstract class LockedWorkerHost<T extends object, R>
  extends WorkerHost
  implements OnModuleDestroy
{
  readonly #process: LockedProcessor<T, R>

  constructor(client: Client, options?: LockedProcessorOptions) {
    super()
    const work = (job: Job<Locked<T>, R>, guard: Guard, signal: AbortSignal): Promise<R> =>
      run(
        client,
        withGuard(guard, () => this.work(job, guard, signal)),
      )
    this.#process = lockedProcessor(client, work, options)
  }

  /** Does the work of one job while its lock is held. */
  protected abstract work(job: Job<Locked<T>, R>, guard: Guard, signal: AbortSignal): Promise<R>

  /** Called by BullMQ. */
  override process(
    job: Job<Locked<T>, R>,
    token?: string,
    signal?: AbortSignal,
  ): Promise<R | undefined> {
    return this.#process(job, token, signal)
  }

  /** Waits for the jobs that run, and takes no more. */
  async onModuleDestroy(): Promise<void> {
    await this.worker.close()
  }
}
