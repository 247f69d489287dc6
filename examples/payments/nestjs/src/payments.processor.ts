import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq'
import { DelayedError, type Job } from 'bullmq'
import { Client, type Guard } from 'quorlock'
import type { Locked } from 'quorlock/bullmq'
import { LockedWorkerHost } from 'quorlock/nestjs-bullmq'

import type { PaymentJob } from './job.js'
import { Payments } from './payments.js'
import { settings } from './settings.js'
import { tell } from './tell.js'

const OPTIONS = { concurrency: 8, lockDuration: 3_000, stalledInterval: 1_000, maxStalledCount: 10 }

/**
 * Pays: the lock that came with the job is adopted before `work` and released after it.
 *
 * BullMQ delivers a job again when its own lock is not renewed in time: after a crash, and also where the
 * event loop was blocked and the first delivery goes on. Quorlock renews on a thread of its own, so that the
 * second delivery finds the payment locked and is put off.
 */
@Processor(settings.queueName, OPTIONS)
export class PaymentsProcessor extends LockedWorkerHost<PaymentJob, string> {
  constructor(
    locks: Client,
    private readonly payments: Payments,
  ) {
    super(locks, { whenExpired: 'acquire', busyMs: 500, acquire: { ttlMs: settings.ttlMs } })
  }

  protected override async work(job: Job<Locked<PaymentJob>>, guard: Guard): Promise<string> {
    await this.payments.pay(job.data, guard)
    return 'done'
  }

  /** Tells the demo of deliveries that were refused. */
  override async process(
    job: Job<Locked<PaymentJob>>,
    token?: string,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    try {
      const done = await super.process(job, token, signal)
      if (done === undefined) tell('refused', job.data.order, { why: 'the ticket is used up' })
      return done
    } catch (error) {
      if (error instanceof DelayedError) {
        tell('refused', job.data.order, { why: 'another worker is at it' })
        tell('retry', job.data.order)
      }
      throw error
    }
  }

  /** A worker that comes back from a block finds that its jobs were given to others. */
  @OnWorkerEvent('error')
  onError(error: Error): void {
    process.stderr.write(`${settings.worker}: ${error.message}\n`)
  }
}

/** The same without locks, for the run that shows what they are for. */
@Processor(settings.queueName, OPTIONS)
export class UnlockedProcessor extends WorkerHost {
  constructor(private readonly payments: Payments) {
    super()
  }

  override async process(job: Job<PaymentJob>): Promise<void> {
    await this.payments.pay(job.data, null)
  }

  @OnWorkerEvent('error')
  onError(error: Error): void {
    process.stderr.write(`${settings.worker}: ${error.message}\n`)
  }
}
