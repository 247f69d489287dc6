/** A payment processor: a NestJS application without HTTP, fed by BullMQ. */
import 'reflect-metadata'

import { BullModule } from '@nestjs/bullmq'
import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { Client } from 'quorlock'

import { Ledger } from './ledger.js'
import { PaymentsProcessor } from './payments.processor.js'
import { QUEUE, connection, settings } from './settings.js'
import { tell } from './tell.js'

@Module({
  imports: [BullModule.forRoot({ connection }), BullModule.registerQueue({ name: QUEUE })],
  providers: [
    Ledger,
    PaymentsProcessor,
    {
      provide: Client,
      useFactory: () => {
        const { nodes, ttlMs, worker: owner } = settings
        return new Client(nodes, { ttlMs, owner, fencing: 'required' })
      },
    },
  ],
})
class ProcessorModule implements OnApplicationShutdown {
  constructor(@Inject(Client) private readonly locks: Client) {}

  async onApplicationShutdown(): Promise<void> {
    await this.locks.close()
  }
}

const app = await NestFactory.createApplicationContext(ProcessorModule, { logger: ['error', 'warn'] })
app.enableShutdownHooks()
tell('ready')
