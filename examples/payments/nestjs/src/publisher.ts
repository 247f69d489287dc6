/** The publisher: takes orders over HTTP, and schedules each payment once. */
import 'reflect-metadata'

import { BullModule } from '@nestjs/bullmq'
import { Module, type OnApplicationShutdown } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { QuorlockModule } from 'quorlock/nestjs'

import { tellScheduled } from './lock-events.js'
import { OrdersController } from './orders.controller.js'
import { Scheduler } from './scheduler.js'
import { GROUP, connection, settings } from './settings.js'
import { tell } from './tell.js'

@Module({
  imports: [
    BullModule.forRoot({ connection }),
    BullModule.registerQueue({
      name: settings.queueName,
      defaultJobOptions: {
        attempts: 60,
        backoff: { type: 'fixed', delay: 500 },
        removeOnComplete: true,
      },
    }),
    QuorlockModule.forRoot({
      nodes: settings.nodes,
      ttlMs: settings.ttlMs,
      keyPrefix: settings.keyPrefix,
      owner: settings.worker,
      onEvent: tellScheduled,
    }),
  ],
  controllers: [OrdersController],
  providers: [Scheduler, { provide: Redis, useFactory: () => new Redis(connection) }],
})
class PublisherModule implements OnApplicationShutdown {
  constructor(private readonly streams: Redis) {}

  /** Leaves nothing on the queue server. */
  async onApplicationShutdown(): Promise<void> {
    const left = new Queue(settings.queueName, { connection })
    await left.obliterate({ force: true })
    await left.close()
    await this.streams.del(settings.stream)
    this.streams.disconnect()
  }
}

const app = await NestFactory.create(PublisherModule, { logger: ['error', 'warn'] })
app.enableShutdownHooks()
await app.get(Redis).xgroup('CREATE', settings.stream, GROUP, '0', 'MKSTREAM')
await app.listen(0, '127.0.0.1')
const address = app.getHttpServer().address() as { port: number }
tell('ready', '', { port: address.port })
