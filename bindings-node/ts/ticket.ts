import { inspect } from 'node:util'

import { readTicket, type TicketReport } from '../native/index.js'
import { callSite, errorOf } from './errors.js'
import { string } from './input.js'

let make: (report: TicketReport) => Ticket

/**
 * The right to take over one held lock, made by `guard.detach()` and used up by
 * `client.adopt(ticket)`.
 *
 * `encode()` gives printable text for a job's data. Whoever has that text can take the lock: treat
 * it like a password. `console.log` shows the resource and the id only.
 */
export class Ticket {
  readonly #report: TicketReport

  private constructor(report: TicketReport) {
    this.#report = report
  }

  static {
    make = (report) => new Ticket(report)
  }

  /**
   * Reads a ticket's text; no I/O.
   *
   * @throws {InvalidArgumentError} where the text is no ticket, cut short or changed
   */
  static decode(text: string): Ticket {
    const site = callSite(Ticket.decode)
    const read = readTicket(string('ticket', text, site))
    if ('code' in read) throw errorOf(read, site)
    return new Ticket(read)
  }

  /** The hand-over's id: safe to log, the same for every delivery of the ticket. */
  get id(): string {
    return this.#report.id
  }

  /** The resource this ticket is for. */
  get resource(): string {
    return this.#report.resource
  }

  /** How long it is good for, from when it was made, until somebody adopts it. */
  get ttlMs(): number {
    return this.#report.ttlMs
  }

  /** The fencing token of the lease that was handed over; the adopter gets a larger one. */
  get fencingToken(): number | null {
    return this.#report.fencingToken
  }

  /** The ticket as printable ASCII without spaces or quotes. A secret. */
  encode(): string {
    return this.#report.text
  }

  [inspect.custom](): string {
    return `Ticket { resource: ${inspect(this.resource)}, id: ${inspect(this.id)} }`
  }
}

/** The ticket that the engine made. */
export function ticketOf(report: TicketReport): Ticket {
  return make(report)
}
