import { Inject, Injectable } from '@nestjs/common'

import { Client } from '../client.js'

/** One entry of a health check's result, in the shape `@nestjs/terminus` takes. */
export type QuorlockHealthResult = Record<
  string,
  {
    readonly status: 'up' | 'down'
    /** Votes that make a majority. */
    readonly quorum: number
    readonly nodes: number
    readonly reachable: number
    /** What is worth a look, such as a server that may evict locks. */
    readonly warnings: readonly string[]
  }
>

/**
 * Tells whether locks can be had: up while a majority of the nodes can be reached.
 *
 * ```ts
 * health.check([() => this.quorlock.isHealthy('locks')])
 * ```
 *
 * For a client with a name: `new QuorlockHealthIndicator(client)`.
 */
@Injectable()
export class QuorlockHealthIndicator {
  constructor(@Inject(Client) private readonly client: Client) {}

  /** The client's health under `key`; it does not throw where locks cannot be had. */
  async isHealthy(key = 'quorlock'): Promise<QuorlockHealthResult> {
    const { hasQuorum, quorum, nodes, warnings } = await this.client.health()
    return {
      [key]: {
        status: hasQuorum ? 'up' : 'down',
        quorum,
        nodes: nodes.length,
        reachable: nodes.filter((node) => node.fault === null).length,
        warnings: warnings.map((warning) => warning.message),
      },
    }
  }
}
