// A locked method: the key comes from its arguments, and the guard is at hand inside.
//
// Ten payments of two accounts are booked at once; per account one at a time.
import 'reflect-metadata'

import { setTimeout } from 'node:timers/promises'

import { Injectable, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { currentGuard, Locked, QuorlockModule } from 'quorlock/nestjs'

interface Payment {
  readonly account: string
  readonly amount: number
}

@Injectable()
class Ledger {
  readonly balances = new Map<string, number>()
  readonly tokens: number[] = []

  @Locked({ key: (payment: Payment) => `example:account:${payment.account}`, waitMs: 10_000 })
  async book({ account, amount }: Payment): Promise<void> {
    const balance = this.balances.get(account) ?? 0
    await setTimeout(2)
    const guard = currentGuard()
    // Throws if the lock was lost meanwhile: then the write must not happen.
    guard.check()
    this.balances.set(account, balance + amount)
    this.tokens.push(guard.fencingToken ?? 0)
  }
}

@Module({
  imports: [
    // The servers named in QUORLOCK_NODES, or an embedded node that needs no server.
    QuorlockModule.forRoot({
      nodes: (process.env.QUORLOCK_NODES ?? 'memory://examples').split(','),
      ttlMs: 5_000,
    }),
  ],
  providers: [Ledger],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false })
  const ledger = app.get(Ledger)
  const payments = Array.from({ length: 10 }, (_, index) => ({
    account: index % 2 === 0 ? 'ann' : 'bob',
    amount: 10,
  }))
  await Promise.all(payments.map((payment) => ledger.book(payment)))
  console.log('ann', ledger.balances.get('ann'), 'bob', ledger.balances.get('bob'))
  console.log('tokens, all different:', new Set(ledger.tokens).size)
  await app.close()
}

void main()
