import { InjectQueue } from '@nestjs/bullmq'
import { Injectable } from '@nestjs/common'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { Client, type Guard } from 'quorlock'
import { type Locked, addWithGuard } from 'quorlock/bullmq'

import type { PaymentJob } from './job.js'
import type { OrderRequest } from './orders.controller.js'
import { settings } from './settings.js'

/**
 * Takes the lock of a payment before it dispatches the job, and puts the right to it into the job: from
 * then on the payment is scheduled, and whoever asks for it again is told so.
 */
@Injectable()
export class Scheduler {
  #dispatched = 0

  constructor(
    private readonly locks: Client,
    @InjectQueue(settings.queueName) private readonly queue: Queue<Locked<PaymentJob>>,
    private readonly streams: Redis,
  ) {}

  /** False where the payment is scheduled or at work already: there is nothing to do. */
  async schedule(order: OrderRequest): Promise<boolean> {
    const number = this.#dispatched++
    const job: PaymentJob = {
      order: order.id,
      amountCents: order.amountCents,
      providerMs: 30 + (number % 7) * 15,
      drill: order.drill ?? '',
    }
    // Half of the jobs go through BullMQ to NestJS, half through a stream to Python and C.
    const delay = order.delayMs ?? 0
    const byStream =
      ['stand-still', 'freeze'].includes(job.drill) ||
      (job.drill === '' && delay === 0 && number % 2 === 1)
    if (!settings.locks) {
      await this.#dispatchUnlocked(job, byStream, delay)
      return true
    }
    const guard = await this.locks.mutex(`payment:${order.id}`).tryAcquire()
    if (guard === null) return false
    if (byStream) await this.#dispatchByStream(job, guard)
    else await this.#dispatchByQueue(job, guard, delay)
    return true
  }

  async #dispatchByQueue(job: PaymentJob, guard: Guard, delay: number): Promise<void> {
    const options = { ttlMs: settings.ticketTtlMs, job: { delay } }
    const { data } = await addWithGuard(this.queue, guard, 'pay', job, options)
    // The same job and ticket once more, by the other way.
    if (job.drill === 'twice') await this.#addToStream(job, data.quorlock.ticket ?? '')
  }

  async #dispatchByStream(job: PaymentJob, guard: Guard): Promise<void> {
    try {
      const ticket = await guard.detach({ ttlMs: settings.ticketTtlMs })
      try {
        await this.#addToStream(job, ticket.encode())
      } catch (error) {
        // Nobody got the job: take the lock back and set it free, so that the client can ask again at once.
        const back = await this.locks.adopt(ticket)
        await back.release()
        throw error
      }
    } finally {
      // Where it could not be handed over; otherwise it is not this guard's any more.
      if (guard.isHeld) await guard.release()
    }
  }

  async #dispatchUnlocked(job: PaymentJob, byStream: boolean, delay: number): Promise<void> {
    const unlocked = { ...job, quorlock: { resource: '', ticket: null } }
    if (!byStream) await this.queue.add('pay', unlocked, { delay })
    if (byStream || job.drill === 'twice') await this.#addToStream(job, '')
  }

  async #addToStream(job: PaymentJob, ticket: string): Promise<void> {
    const fields = {
      order: job.order,
      amount_cents: job.amountCents,
      ticket,
      provider_ms: job.providerMs,
      drill: job.drill,
    }
    await this.streams.xadd(settings.stream, '*', ...Object.entries(fields).flat())
  }
}
