import { Injectable } from '@nestjs/common'

import { settings } from './settings.js'

/** The ledger service. */
@Injectable()
export class Ledger {
  /** Begins a payment: its state, and how often it was begun, this time included. */
  async begin(order: string, token: number): Promise<{ state: string; begun: number }> {
    const [state = '', begun] = (await this.#post('/begin', { order, token })).split(' ')
    return { state, begun: Number(begun) }
  }

  /** Books the charge; false where the token came too late. */
  async charge(order: string, token: number, amountCents: number): Promise<boolean> {
    const values = { order, token, amount_cents: amountCents, worker: settings.worker }
    return (await this.#post('/charge', values)) === 'accepted'
  }

  async #post(path: string, values: Record<string, string | number>): Promise<string> {
    const query = new URLSearchParams(
      Object.entries(values).map(([name, value]) => [name, `${value}`]),
    )
    const answer = await fetch(`http://${settings.ledger}${path}?${query}`, { method: 'POST' })
    const text = (await answer.text()).trim()
    if (!answer.ok) throw new Error(`the ledger answered ${answer.status} ${text}`)
    return text
  }
}
