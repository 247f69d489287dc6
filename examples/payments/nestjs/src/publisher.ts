/** The publisher: takes orders over HTTP, and schedules each payment once. */
import 'reflect-metadata'

import { BullModule } from '@nestjs/bullmq'
import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { Redis } from 'ioredis'
import { Client } from 'quorlock'

import { OrdersController } from './orders.controller.js'
import { Scheduler } from './scheduler.js'
import { GROUP, QUEUE, STREAM, connection, settings } from './settings.js'
import { tell } from './tell.js'

@Module({
  imports: [
    BullModule.forRoot({ connection }),
    BullModule.registerQueue({
      name: QUEUE,
      defaultJobOptions: {
        attempts: 60,
        backoff: { type: 'fixed', delay: 500 },
        removeOnComplete: true,
      },
    }),
  ],
  controllers: [OrdersController],
  providers: [
    Scheduler,
    {
      provide: Client,
      useFactory: () => new Client(settings.nodes, { ttlMs: settings.ttlMs, owner: settings.worker }),
    },
    { provide: Redis, useFactory: () => new Redis(connection) },
  ],
})
class PublisherModule implements OnApplicationShutdown {
  constructor(
    @Inject(Client) private readonly locks: Client,
    @Inject(Redis) private readonly streams: Redis,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.locks.close()
    this.streams.disconnect()
  }
}

const app = await NestFactory.create(PublisherModule, { logger: ['error', 'warn'] })
app.enableShutdownHooks()
const streams = app.get(Redis)
await streams.xgroup('CREATE', STREAM, GROUP, '0', 'MKSTREAM').catch((error: Error) => {
  if (!error.message.startsWith('BUSYGROUP')) throw error
})
await app.listen(0, '127.0.0.1')
const address = app.getHttpServer().address() as { port: number }
tell('ready', '', { port: address.port })
