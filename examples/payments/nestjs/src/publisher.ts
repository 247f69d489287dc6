/** The publisher: takes orders over HTTP, and schedules each payment once. */
import 'reflect-metadata'

import { BullModule } from '@nestjs/bullmq'
import { Module, type OnApplicationShutdown } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { Redis } from 'ioredis'
import { QuorlockModule } from 'quorlock/nestjs'

import { tellScheduled } from './lock-events.js'
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
    QuorlockModule.forRoot({
      nodes: settings.nodes,
      ttlMs: settings.ttlMs,
      owner: settings.worker,
      onEvent: tellScheduled,
    }),
  ],
  controllers: [OrdersController],
  providers: [Scheduler, { provide: Redis, useFactory: () => new Redis(connection) }],
})
class PublisherModule implements OnApplicationShutdown {
  constructor(private readonly streams: Redis) {}

  onApplicationShutdown(): void {
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
