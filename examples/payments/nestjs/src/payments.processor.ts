import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq'
import { Inject } from '@nestjs/common'
import type { Job } from 'bullmq'
import { Client, type Guard, LeaseLostError, NotHeldError, Ticket } from 'quorlock'

import type { PaymentJob } from './job.js'
import { Ledger } from './ledger.js'
import { QUEUE, settings } from './settings.js'
import { tell } from './tell.js'

/** Why a ticket was refused, in the same words in every language. */
function why(error: NotHeldError): string {
  const said = new Set<string>(error.outcomes.map((outcome) => outcome.status))
  if (said.has('spent')) return 'the ticket is used up'
  return said.has('held_by_another') ? 'another worker is at it' : 'the ticket has run out'
}

/**
 * Pays: adopts the lock that came with the job, charges under it, releases it.
 *
 * BullMQ delivers a job again when its own lock is not renewed in time: after a crash, and also where the
 * event loop was blocked and the first delivery goes on. Quorlock renews on a thread of its own, so that the
 * second delivery finds the payment locked.
 */
@Processor(QUEUE, { concurrency: 8, lockDuration: 3_000, stalledInterval: 1_000, maxStalledCount: 10 })
export class PaymentsProcessor extends WorkerHost {
  constructor(
    @Inject(Client) private readonly locks: Client,
    @Inject(Ledger) private readonly ledger: Ledger,
  ) {
    super()
  }

  override async process({ data: job }: Job<PaymentJob>): Promise<void> {
    if (!settings.locks) return this.#charge(job, null)
    const guard = await this.#take(job)
    if (guard === null) {
      tell('retry', job.order)
      throw new Error('somebody else is at it; looked at again later')
    }
    try {
      await this.#charge(job, guard)
    } catch (error) {
      if (error instanceof LeaseLostError) tell('lost', job.order, { how: 'the check before the write' })
      throw error
    } finally {
      await guard.release()
      tell('released', job.order)
    }
  }

  /** A worker that comes back from a block finds that its jobs were given to others. */
  @OnWorkerEvent('error')
  onError(error: Error): void {
    process.stderr.write(`${settings.worker}: ${error.message}\n`)
  }

  /** The publisher's lock, or a new one where the ticket is dead; null where somebody has it. */
  async #take(job: PaymentJob): Promise<Guard | null> {
    const begun = performance.now()
    let guard: Guard | null
    let event = 'adopted'
    try {
      guard = await this.locks.adopt(Ticket.decode(job.ticket), { ttlMs: settings.ttlMs })
    } catch (error) {
      if (!(error instanceof NotHeldError)) throw error
      tell('refused', job.order, { why: why(error) })
      guard = await this.locks.mutex(`payment:${job.order}`).tryAcquire()
      event = 'afresh'
    }
    if (guard !== null) tell(event, job.order, { wait_ms: performance.now() - begun })
    return guard
  }

  async #charge(job: PaymentJob, guard: Guard | null): Promise<void> {
    const { order, amountCents } = job
    const token = guard?.fencingToken ?? 0
    const { state, begun } = await this.ledger.begin(order, token)
    if (state !== 'open') {
      tell(state === 'charged' ? 'already' : 'stale', order)
      return
    }
    if (job.drill === 'block' && begun === 1) {
      const until = performance.now() + 3 * settings.ttlMs
      tell('blocking', order, { ms: 3 * settings.ttlMs })
      // The event loop stands still: no timer, no renewal that lives in JavaScript.
      while (performance.now() < until);
    }
    // The payment provider takes its time.
    await new Promise((resolve) => setTimeout(resolve, job.providerMs))
    guard?.check()
    if (await this.ledger.charge(order, token, amountCents)) {
      tell('charged', order)
    } else {
      tell('stale', order)
      tell('lost', order, { how: 'the ledger, by its token' })
    }
  }
}
