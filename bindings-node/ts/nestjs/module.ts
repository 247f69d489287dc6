import {
  Module,
  type DynamicModule,
  type FactoryProvider,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common'

import { Client } from '../client.js'
import { InvalidArgumentError } from '../errors.js'
import { QuorlockHealthIndicator } from './health.js'
import type {
  QuorlockAsyncOptions,
  QuorlockNaming,
  QuorlockOptions,
  QuorlockOptionsFactory,
} from './options.js'
import { drained } from './running.js'
import { quorlockToken } from './tokens.js'

/** How long a shutdown waits for what runs under locks unless the options say otherwise. */
const SHUTDOWN_MS = 5_000

/**
 * Makes a client and closes it when the application shuts down: after requests and jobs have ended,
 * or their time is up, every lock is given back.
 *
 * ```ts
 * @Module({ imports: [QuorlockModule.forRoot({ nodes: ['redis://a', 'redis://b', 'redis://c'] })] })
 * export class AppModule {}
 * ```
 *
 * Signals end an application in this order only after `app.enableShutdownHooks()`.
 */
@Module({})
export class QuorlockModule {
  /** A client with these options. */
  static forRoot(options: QuorlockOptions & QuorlockNaming): DynamicModule {
    const { name, isGlobal, ...rest } = options
    const provider = { provide: optionsToken(name), useValue: rest }
    return made({ name, isGlobal }, [provider], [])
  }

  /** A client with options that something injected makes. */
  static forRootAsync(options: QuorlockAsyncOptions): DynamicModule {
    return made(options, optionsProviders(options), options.imports ?? [])
  }
}

function optionsToken(name: string | undefined): string {
  return name === undefined ? 'quorlock-options' : `quorlock-options:${name}`
}

function optionsProviders(options: QuorlockAsyncOptions): Provider[] {
  const provide = optionsToken(options.name)
  if (options.useFactory !== undefined) {
    return [{ provide, useFactory: options.useFactory, inject: options.inject ?? [] }]
  }
  const factory = options.useExisting ?? options.useClass
  if (factory === undefined) {
    const field = 'useFactory'
    const message = `${field}: useFactory, useClass or useExisting is needed`
    throw new InvalidArgumentError(message, { code: 'QUORLOCK_INVALID_ARGUMENT', field })
  }
  const provider: FactoryProvider = {
    provide,
    useFactory: (made: QuorlockOptionsFactory) => made.createQuorlockOptions(),
    inject: [factory],
  }
  return options.useExisting === undefined ? [factory, provider] : [provider]
}

function made(
  { name, isGlobal }: QuorlockNaming,
  providers: Provider[],
  imports: NonNullable<DynamicModule['imports']>,
): DynamicModule {
  const token = quorlockToken(name)
  const client: FactoryProvider = {
    provide: token,
    useFactory: ({ nodes, shutdownMs: _, ...options }: QuorlockOptions) =>
      new Client(nodes, options),
    inject: [optionsToken(name)],
  }
  const closing: FactoryProvider = {
    provide: `quorlock-closing:${name ?? ''}`,
    useFactory: (client: Client, { shutdownMs }: QuorlockOptions) =>
      new Closing(client, shutdownMs ?? SHUTDOWN_MS),
    inject: [token, optionsToken(name)],
  }
  const health = name === undefined ? [QuorlockHealthIndicator] : []
  return {
    module: QuorlockModule,
    global: isGlobal ?? true,
    imports,
    providers: [...providers, client, closing, ...health],
    exports: [token, ...health],
  }
}

/** Closes a client at the end of the application. */
class Closing implements OnApplicationShutdown {
  constructor(
    private readonly client: Client,
    private readonly limitMs: number,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await drained(this.client, this.limitMs)
    await this.client.close(this.limitMs)
  }
}
