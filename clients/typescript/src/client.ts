// A client of the gateways behind a target.

import { batch, type Calls } from './batch.js'
import { credentials, options, type Settings, waiting } from './channel.js'
import { PushServiceClient, type SendPushResponse } from './generated/fanfare/push/v1/push.js'
import { type Answered, named, type PushInput, type Result } from './result.js'

export type { Settings }

export class Client {
  /** The RPCs as they are. */
  readonly stub: PushServiceClient
  readonly #deadline: number
  readonly #window: number
  /** The calls that are under way. grpc-js lets them go on when their channel is closed. */
  readonly #calls: Calls = new Set()

  /** `target` is such as `gateway.example:50051`. It does not connect: the first call does. */
  constructor(target: string, settings: Settings = {}) {
    this.stub = new PushServiceClient(target, credentials(settings), options)
    this.#deadline = settings.deadline ?? 30_000
    this.#window = settings.window ?? 4096
    // A batch with no place for a push would wait for ever.
    if (!(this.#window >= 1)) throw new RangeError(`expected a window of at least one push, found ${this.#window}`)
  }

  /** Ends the connections. Calls that are under way fail. */
  close(): void {
    this.stub.close()
    for (const call of this.#calls) call.cancel()
  }

  /**
   * Sends one push and waits for its verdict, which says what is wrong with the push, if anything is.
   *
   * Rejects with grpc-js' ServiceError for what is of the call alone. Then the push may have been sent, unless
   * `nothingSent` says that it was not. Rejects with a TypeError or an Error where the push cannot be encoded.
   */
  async send(input: PushInput, { deadline = this.#deadline }: { deadline?: number } = {}): Promise<Answered> {
    const push = named(input)
    const { result } = await new Promise<SendPushResponse>((resolve, reject) => {
      const call = this.stub.sendPush({ push }, waiting(), { deadline: Date.now() + deadline }, (error, answer) => {
        this.#calls.delete(call)
        if (error) reject(error)
        else resolve(answer)
      })
      this.#calls.add(call)
    })
    if (!result) throw new Error('the answer has no result')
    return { ended: 'Answered', push, verdict: result }
  }

  /**
   * Sends many pushes, and gives each its result as soon as it is known, in any order.
   *
   * Pushes are taken only as fast as results are: at most `window` are open. Each has exactly one result. One that no
   * gateway read is sent again by itself. One that was read, and whose verdict was lost, is Unknown, and is sent again only
   * if its options call it repeatable.
   *
   * Throws what ended the batch before all were sent, once every push that was taken has its result. Whoever leaves the loop
   * cancels the batch, and never learns what became of the pushes that are open.
   */
  sendBatch(pushes: Iterable<PushInput> | AsyncIterable<PushInput>): AsyncGenerator<Result, void, undefined> {
    return batch(this.stub, pushes, this.#deadline, this.#window, this.#calls)
  }
}
