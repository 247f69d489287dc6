/** A payment processor: a NestJS application without HTTP, fed by BullMQ. */
import 'reflect-metadata'

import { BullModule } from '@nestjs/bullmq'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { QuorlockModule } from 'quorlock/nestjs'

import { Ledger } from './ledger.js'
import { processorEvents } from './lock-events.js'
import { PaymentsProcessor, UnlockedProcessor } from './payments.processor.js'
import { Payments } from './payments.js'
import { connection, settings } from './settings.js'
import { tell } from './tell.js'

@Module({
  imports: [
    BullModule.forRoot({ connection }),
    BullModule.registerQueue({ name: settings.queueName }),
    QuorlockModule.forRoot({
      nodes: settings.nodes,
      ttlMs: settings.ttlMs,
      keyPrefix: settings.keyPrefix,
      owner: settings.worker,
      fencing: 'required',
      onEvent: processorEvents(),
    }),
  ],
  providers: [Ledger, Payments, settings.locks ? PaymentsProcessor : UnlockedProcessor],
})
class ProcessorModule {}

const app = await NestFactory.createApplicationContext(ProcessorModule, {
  logger: ['error', 'warn'],
})
app.enableShutdownHooks()
tell('ready')
