// The books of a batch: where each push is, and what becomes of it when a stream ends. They do no I/O and read no clock.

import { type ServiceError, status } from '@grpc/grpc-js'
import { Delivery, type Push, type SendBatchResponse } from './generated/fanfare/push/v1/push.js'
import { named, type PushInput, type Result } from './result.js'
import { advisedWait, nothingSent } from './status.js'

/** On how many streams a push is written at most, and how many in a row may fail without a verdict before the batch does. */
const TRIES = 5
/** The wait before another stream, in milliseconds. It doubles with each that fails without a verdict. */
const FIRST_WAIT = 200
/** After these another stream would end in the same way. */
const FINAL = new Set([
  status.INVALID_ARGUMENT, status.OUT_OF_RANGE, status.PERMISSION_DENIED, status.UNAUTHENTICATED, status.UNIMPLEMENTED,
])

/** A push that was taken from the caller and has no result yet. */
interface Item {
  push: Push
  /** On how many streams it was written. */
  tries: number
  /** Why an earlier stream may have sent it. */
  inDoubt?: Error
}

/** One stream of the batch, without the way its messages travel. */
export abstract class Stream {
  /** The items that were written, by their index, until they have their verdict. */
  readonly open = new Map<number, Item>()
  written = 0
  /** How many of these the gRPC library has taken. The others have not left this process. */
  taken = 0
  itemsRead = 0
  /** The gateway has answered. No push leaves before, so that a gateway which is not there leaves none in doubt. */
  begun = false
  fruitful = false
  deadline = 0

  /** Writes a push, and never waits. */
  abstract put(push: Push): void
  /** Says that nothing more will be written. */
  abstract halfClose(): void
  /** Ends the stream at once. */
  abstract cancel(): void
}

/** Each push that is taken gets exactly one result, which is put into `ended`. */
export class Books {
  /** The pushes that have their result, which the caller has not seen yet. */
  readonly ended: Result[] = []
  /** How many were taken and are not among them. */
  held = 0
  /** What is thrown once every push that was taken has its result. */
  error: Error | undefined
  readonly streams = new Set<Stream>()
  #unwritten: Item[] = []
  #current: Stream | undefined
  #inputOver = false
  #givenUp = false
  #failures = 0
  #pause = 0
  #notBefore = 0

  constructor(readonly patience: number) {}

  get takes(): boolean {
    return !this.#inputOver
  }

  get over(): boolean {
    return this.#inputOver && this.held === 0 && this.streams.size === 0
  }

  take(push: PushInput): void {
    this.#unwritten.push({ push: named(push), tries: 0 })
    this.held += 1
  }

  endInput(error?: Error): void {
    this.#inputOver = true
    this.error ??= error
  }

  /** Does what is due now: opens a stream, writes to it, or gives up waiting for it. */
  turn(now: number, openStream: () => Stream): void {
    if (this.#pause) [this.#notBefore, this.#pause] = [now + this.#pause, 0]
    let stream = this.#current
    if (stream && !stream.begun && now >= stream.deadline) {
      stream.cancel()
      return this.#giveUp(new Error(`no gateway answered within ${this.patience} ms`))
    }
    if (!stream && this.#unwritten.length > 0 && now >= this.#notBefore) {
      try {
        stream = this.#current = openStream()
      } catch (error) { // The client was closed.
        return this.#giveUp(error as Error)
      }
      stream.deadline = now + this.patience
      this.streams.add(stream)
    }
    if (!stream?.begun) return
    for (const item of this.#unwritten.splice(0)) {
      item.tries += 1
      stream.open.set(stream.written++, item)
      stream.put(item.push)
    }
    if (this.#inputOver) this.#leave(stream)
  }

  /** How many milliseconds may pass until the next turn, if nothing happens. Undefined: any time. */
  wait(now: number): number | undefined {
    if (this.#current) return this.#current.begun ? undefined : this.#current.deadline - now
    return this.#unwritten.length > 0 ? this.#notBefore - now : undefined
  }

  /** The gateway has sent a message. */
  hear(stream: Stream, { results, progress }: SendBatchResponse): void {
    for (const verdict of results) {
      const item = stream.open.get(verdict.index)
      if (!item) continue
      stream.open.delete(verdict.index)
      stream.fruitful = true
      // It was not sent this time, and may have been before.
      if (item.inDoubt && verdict.delivery === Delivery.NO) verdict.delivery = Delivery.MAYBE
      this.#end({ ended: 'Answered', push: item.push, verdict })
    }
    if (!progress) return
    stream.itemsRead = progress.itemsRead
    if (!progress.draining) return
    // Nothing more is read from this stream, so what was not read goes over another one.
    this.#leave(stream)
    for (const [index, item] of stream.open) {
      if (index < stream.itemsRead) continue
      stream.open.delete(index)
      this.#again(item, new Error('the gateway drains, or the connection has reached its age'))
    }
  }

  /** The stream has ended, by itself or with a status. */
  close(stream: Stream, error?: ServiceError): void {
    this.streams.delete(stream)
    this.#leave(stream)
    const cause = error ?? new Error('the stream ended without this verdict')
    // Where only the connection broke, what left this process may have been read, whatever was last heard.
    const read = !error || nothingSent(error) ? stream.itemsRead : stream.taken
    for (const [index, item] of stream.open) {
      if (index < read && !item.push.options?.dryRun) item.inDoubt = cause
      this.#again(item, cause)
    }
    stream.open.clear()
    if (error) this.#failed(stream, error)
  }

  #failed(stream: Stream, error: ServiceError): void {
    this.#failures = stream.fruitful ? 0 : this.#failures + 1
    const wait = this.#failures ? FIRST_WAIT * 2 ** (this.#failures - 1) : 0
    // Not all callers of a gateway come back at the same moment.
    this.#pause = Math.max(advisedWait(error), wait) * (1 + Math.random() / 4)
    // A stream that has begun and ends so was opened with a token that has expired. There may be a new one.
    const renews = error.code === status.UNAUTHENTICATED && stream.begun
    if (this.#failures === TRIES || (FINAL.has(error.code) && !renews)) this.#giveUp(error)
  }

  #leave(stream: Stream): void {
    stream.halfClose()
    if (this.#current === stream) this.#current = undefined
  }

  #again(item: Item, cause: Error): void {
    const repeatable = !item.inDoubt || item.push.options?.repeatable
    if (repeatable && item.tries < TRIES && !this.#givenUp) this.#unwritten.push(item)
    else if (item.inDoubt) this.#end({ ended: 'Unknown', push: item.push, cause: item.inDoubt })
    else this.#end({ ended: 'NotRead', push: item.push, cause })
  }

  #giveUp(error: Error): void {
    this.#givenUp = true
    this.endInput(error)
    if (this.#current) this.#leave(this.#current)
    for (const item of this.#unwritten.splice(0)) this.#again(item, error)
  }

  #end(result: Result): void {
    this.held -= 1
    this.ended.push(result)
  }
}
