/** One payment to make, as it travels through the queue. */
export interface PaymentJob {
  readonly order: string
  readonly amountCents: number
  /** The right to the lock that the publisher took; empty in the run without locks. */
  readonly ticket: string
  /** How long the payment provider takes. */
  readonly providerMs: number
  /** What the demo wants to go wrong with this one. */
  readonly drill: string
}
