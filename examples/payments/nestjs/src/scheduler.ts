import { InjectQueue } from '@nestjs/bullmq'
import { Inject, Injectable } from '@nestjs/common'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { Client, type Guard } from 'quorlock'

import type { PaymentJob } from './job.js'
import type { OrderRequest } from './orders.controller.js'
import { QUEUE, STREAM, settings } from './settings.js'
import { tell } from './tell.js'

/**
 * Takes the lock of a payment before it dispatches the job, and puts the right to it into the job: from
 * then on the payment is scheduled, and whoever asks for it again is told so.
 */
@Injectable()
export class Scheduler {
  #dispatched = 0

  constructor(
    @Inject(Client) private readonly locks: Client,
    @InjectQueue(QUEUE) private readonly queue: Queue<PaymentJob>,
    @Inject(Redis) private readonly streams: Redis,
  ) {}

  /** False where the payment is scheduled or at work already: there is nothing to do. */
  async schedule(order: OrderRequest): Promise<boolean> {
    if (!settings.locks) {
      await this.#dispatch(order, '')
      return true
    }
    const begun = performance.now()
    const guard = await this.locks.mutex(`payment:${order.id}`).tryAcquire()
    if (guard === null) {
      tell('duplicate', order.id)
      return false
    }
    const acquired = performance.now()
    await this.#handOver(order, guard)
    const [wait_ms, held_ms] = [acquired - begun, performance.now() - acquired]
    tell('scheduled', order.id, { wait_ms, held_ms })
    return true
  }

  async #handOver(order: OrderRequest, guard: Guard): Promise<void> {
    try {
      const ticket = await guard.detach({ ttlMs: settings.ticketTtlMs })
      try {
        await this.#dispatch(order, ticket.encode())
      } catch (error) {
        // Nobody got the job: take the lock back and set it free, so that the client can ask again at once.
        const back = await this.locks.adopt(ticket)
        await back.release()
        throw error
      }
    } finally {
      // Where the hand-over failed; a lock that was handed over is no longer this guard's.
      if (guard.isHeld) await guard.release()
    }
  }

  /** Half of the jobs go through BullMQ to NestJS, half through a stream to Python and C. */
  async #dispatch(order: OrderRequest, ticket: string): Promise<void> {
    const job: PaymentJob = {
      order: order.id,
      amountCents: order.amountCents,
      ticket,
      providerMs: 30 + (this.#dispatched % 7) * 15,
      drill: order.drill ?? '',
    }
    const delay = order.delayMs ?? 0
    const byStream = job.drill === 'stand-still' || (this.#dispatched++ % 2 === 1 && delay === 0)
    if (byStream && job.drill !== 'block') await this.#toStream(job)
    else await this.queue.add('pay', job, { delay })
    // The same job, twice: by both ways at once.
    if (job.drill === 'twice') await (byStream ? this.queue.add('pay', job) : this.#toStream(job))
  }

  async #toStream(job: PaymentJob): Promise<void> {
    const fields = {
      order: job.order,
      amount_cents: job.amountCents,
      ticket: job.ticket,
      provider_ms: job.providerMs,
      drill: job.drill,
    }
    await this.streams.xadd(STREAM, '*', ...Object.entries(fields).flat())
  }
}
