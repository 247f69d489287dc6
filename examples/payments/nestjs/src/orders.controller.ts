import { BadRequestException, Body, Controller, HttpCode, Post, Res } from '@nestjs/common'

import { Scheduler } from './scheduler.js'

/** What a client of the shop sends. */
export interface OrderRequest {
  readonly id: string
  readonly amountCents: number
  readonly delayMs?: number
  readonly drill?: string
}

/** `POST /orders`: 202 where the payment was scheduled, 200 where it was scheduled already. */
@Controller('orders')
export class OrdersController {
  constructor(private readonly scheduler: Scheduler) {}

  @Post()
  @HttpCode(202)
  async schedule(
    @Body() order: OrderRequest,
    @Res({ passthrough: true }) response: { status(code: number): unknown },
  ): Promise<{ scheduled: boolean }> {
    if (typeof order?.id !== 'string' || !/^[\w-]{1,64}$/.test(order.id)) {
      throw new BadRequestException('id must be 1 to 64 letters, digits, - or _')
    }
    if (!Number.isSafeInteger(order.amountCents) || order.amountCents < 1) {
      throw new BadRequestException('amountCents must be a whole number from 1')
    }
    const scheduled = await this.scheduler.schedule(order)
    if (!scheduled) response.status(200)
    return { scheduled }
  }
}
