import { Injectable } from '@nestjs/common'
import type { Guard } from 'quorlock'

import type { PaymentJob } from './job.js'
import { Ledger } from './ledger.js'
import { settings } from './settings.js'
import { tell } from './tell.js'

/** Makes payments, each under its lock where there are locks. */
@Injectable()
export class Payments {
  constructor(private readonly ledger: Ledger) {}

  async pay(job: PaymentJob, guard: Guard | null): Promise<void> {
    const { order, amountCents } = job
    const token = guard?.fencingToken ?? 0
    const { state, begun } = await this.ledger.begin(order, token)
    if (state === 'charged') {
      tell('already', order)
      return
    }
    if (state === 'stale') throw this.#cameTooLate(order)
    if (job.drill === 'block' && begun === 1) {
      const until = performance.now() + 3 * settings.ttlMs
      tell('blocking', order, { ms: 3 * settings.ttlMs })
      // The event loop stands still: no timer, no renewal that lives in JavaScript.
      while (performance.now() < until);
    }
    // The payment provider takes its time.
    await new Promise((resolve) => setTimeout(resolve, job.providerMs))
    guard?.check()
    if (!(await this.ledger.charge(order, token, amountCents))) throw this.#cameTooLate(order)
    tell('charged', order)
  }

  /** Somebody else has begun since; whether they come to an end, a redelivery will tell. */
  #cameTooLate(order: string): Error {
    tell('stale', order)
    tell('lost', order, { how: 'the ledger, by its token' })
    return new Error('the ledger has seen a larger token')
  }
}
