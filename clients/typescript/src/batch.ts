// A batch: takes pushes, moves them over streams, and gives their results.

import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js'
import { Books, Stream } from './books.js'
import { waiting } from './channel.js'
import {
  Push, type PushServiceClient, type SendBatchRequest, type SendBatchResponse,
} from './generated/fanfare/push/v1/push.js'
import type { PushInput, Result } from './result.js'

// A message is bounded far below grpc.max_message_items (65,536) and grpc.max_message_bytes (4 MiB): a gateway ends the stream of
// all pushes for a message that is too large.
const MESSAGE_ITEMS = 256
const MESSAGE_BYTES = 256 * 1024

/** Calls that are under way. */
export type Calls = Set<{ cancel(): void }>

export async function* batch(
  stub: PushServiceClient, pushes: Iterable<PushInput> | AsyncIterable<PushInput>, patience: number, window: number,
  calls: Calls,
): AsyncGenerator<Result, void, undefined> {
  const books = new Books(patience)
  const [woken, room] = [new Signal(), new Signal()]
  const source = Symbol.asyncIterator in pushes ? pushes[Symbol.asyncIterator]() : pushes[Symbol.iterator]()
  void takeAll(source, books, window, woken, room)
  try {
    while (true) {
      for (let result = books.ended.shift(); result; result = books.ended.shift()) {
        room.set()
        yield result
      }
      if (books.over) break
      books.turn(performance.now(), () => new BatchStream(stub, books, woken, calls))
      if (books.ended.length === 0) await woken.wait(books.wait(performance.now()))
    }
  } finally {
    books.endInput()
    room.set()
    for (const stream of books.streams) stream.cancel()
    // It may wait for a push that never comes.
    void Promise.resolve(source.return?.()).catch(() => {})
  }
  if (books.error) throw books.error
}

async function takeAll(
  source: Iterator<PushInput> | AsyncIterator<PushInput>, books: Books, window: number, woken: Signal, room: Signal,
): Promise<void> {
  try {
    while (books.takes) {
      if (books.held + books.ended.length >= window) {
        await room.wait()
        continue
      }
      const next = await source.next()
      if (next.done) books.endInput()
      else if (books.takes) books.take(next.value)
      woken.set()
    }
  } catch (error) { // The caller's own, and thrown when what was taken has its result.
    books.endInput(error as Error)
    woken.set()
  }
}

/** Wakes the one who waits. */
class Signal {
  #isSet = false
  #wake: (() => void) | undefined

  set(): void {
    this.#isSet = true
    this.#wake?.()
  }

  async wait(ms?: number): Promise<void> {
    if (!this.#isSet) {
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        if (ms !== undefined) timer = setTimeout(resolve, Math.max(ms, 0))
      })
      clearTimeout(timer)
    }
    this.#isSet = false
  }
}

class BatchStream extends Stream {
  readonly #call: ClientDuplexStream<SendBatchRequest, SendBatchResponse>
  #outbox: Push[] = []
  #writing = false
  #over = false

  constructor(stub: PushServiceClient, books: Books, woken: Signal, calls: Calls) {
    super()
    let error: ServiceError | undefined
    const heard = <Arguments extends unknown[]>(hear: (...said: Arguments) => void) => (...said: Arguments) => {
      hear(...said)
      woken.set()
    }
    this.#call = stub.sendBatch(waiting())
    calls.add(this.#call)
    this.#call
      .on('metadata', heard(() => { this.begun = true }))
      .on('data', heard((answer: SendBatchResponse) => books.hear(this, answer)))
      .on('error', (its: ServiceError) => { error = its })
      // It comes behind the last message, whatever status the stream has.
      .on('end', heard(() => {
        calls.delete(this.#call)
        books.close(this, error)
      }))
  }

  put(push: Push): void {
    this.#outbox.push(push)
    this.#write()
  }

  halfClose(): void {
    this.#over = true
    this.#write()
  }

  cancel(): void {
    this.#call.cancel()
  }

  /** What waits goes into one message, once the one before has left. */
  #write(): void {
    if (this.#writing) return
    let [count, bytes] = [0, 0]
    for (; count < Math.min(this.#outbox.length, MESSAGE_ITEMS) && bytes < MESSAGE_BYTES; count += 1) {
      bytes += Push.encode(this.#outbox[count]!).finish().length
    }
    const pushes = this.#outbox.splice(0, count)
    if (pushes.length > 0) {
      this.#writing = true
      this.taken += pushes.length
      this.#call.write({ options: undefined, pushes, multicasts: [] }, () => {
        this.#writing = false
        this.#write()
      })
    } else if (this.#over && !this.#call.writableEnded) this.#call.end()
  }
}
