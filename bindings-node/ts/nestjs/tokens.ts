import { Inject } from '@nestjs/common'

import { Client } from '../client.js'

/** What a client is provided under: its class where it has no name. */
export function quorlockToken(name?: string): typeof Client | string {
  return name === undefined ? Client : `quorlock:${name}`
}

/**
 * Injects the client of this name, or the one without a name; that one can also be injected by its
 * type, `Client`.
 */
export function InjectQuorlock(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(quorlockToken(name))
}
