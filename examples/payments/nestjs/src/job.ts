/** One payment to make, as it travels through the queue. */
export interface PaymentJob {
  readonly order: string
  readonly amountCents: number
  /** How long the payment provider takes. */
  readonly providerMs: number
  /** What the demo wants to go wrong with this one. */
  readonly drill: string
}
