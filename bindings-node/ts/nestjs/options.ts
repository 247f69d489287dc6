import type { ModuleMetadata, Type } from '@nestjs/common'

import type { ClientOptions } from '../client.js'

/** What makes a client: its nodes, its options, and how long a shutdown waits for its locks. */
export interface QuorlockOptions extends ClientOptions {
  /** `redis://`, `rediss://`, `unix://` or `memory://name` URLs, one for each server. */
  readonly nodes: readonly string[]
  /**
   * How long a shutdown waits for `@Locked()` methods and locked jobs that still run before their
   * locks are given back: 5 s by default.
   */
  readonly shutdownMs?: number | undefined
}

/** Which client a module makes, and who sees it. */
export interface QuorlockNaming {
  /** The client's name for `@InjectQuorlock(name)`; the client without a name by default. */
  readonly name?: string | undefined
  /** Whether every module can inject the client: yes by default. */
  readonly isGlobal?: boolean | undefined
}

/** Makes the options of a client, for `useClass` and `useExisting`. */
export interface QuorlockOptionsFactory {
  createQuorlockOptions(): QuorlockOptions | Promise<QuorlockOptions>
}

/** Options that are made by something injected, such as a config service. */
export interface QuorlockAsyncOptions extends QuorlockNaming, Pick<ModuleMetadata, 'imports'> {
  // The arguments are what `inject` names, which no type can follow.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly useFactory?: (...injected: any[]) => QuorlockOptions | Promise<QuorlockOptions>
  readonly inject?: Extract<
    NonNullable<ModuleMetadata['providers']>[number],
    { inject?: unknown }
  >['inject']
  readonly useClass?: Type<QuorlockOptionsFactory>
  readonly useExisting?: Type<QuorlockOptionsFactory>
}
