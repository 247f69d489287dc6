import { Module, type DynamicModule } from '@nestjs/common'

import type { ClientOptions } from '../client.js'
import { QuorlockModule } from './module.js'
import type { QuorlockNaming } from './options.js'

let last = 0

/**
 * For tests: a client on an embedded node of its own, so that no server is needed and no test sees
 * another's locks. Everything else is as with {@link QuorlockModule}.
 *
 * ```ts
 * const app = await Test.createTestingModule({
 *   imports: [QuorlockTestingModule.forRoot()],
 *   providers: [PaymentsService],
 * }).compile()
 * ```
 */
@Module({})
export class QuorlockTestingModule {
  static forRoot(options: ClientOptions & QuorlockNaming = {}): DynamicModule {
    const nodes = [`memory://quorlock-testing-${process.pid}-${++last}`]
    return QuorlockModule.forRoot({ ...options, nodes })
  }
}
