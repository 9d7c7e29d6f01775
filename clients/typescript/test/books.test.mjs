// The rules by which a push is sent again or not.

import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { Metadata, status } from '@grpc/grpc-js'
import { shouldRetry } from 'fanfare-push'
// It is no part of what the package offers, so it has no name there.
import { Books, Stream } from '../node_modules/fanfare-push/dist/books.js'

const PATIENCE = 30_000
/** Longer than any pause between two streams. */
const PAUSE = 5000

/** A field of the protobuf encoding with a length below 128. */
const field = (number, value) => Buffer.concat([Buffer.from([(number << 3) | 2, value.length]), Buffer.from(value)])

/** A status, of the gateway's own if it has a reason. */
function ended(code, reason) {
  const metadata = new Metadata()
  if (reason) {
    const info = Buffer.concat([field(1, reason), field(2, 'push.fanfare.dev')])
    const any = Buffer.concat([field(1, 'type.googleapis.com/google.rpc.ErrorInfo'), field(2, info)])
    metadata.set('grpc-status-details-bin', field(3, any))
  }
  return Object.assign(new Error(reason), { code, details: '', metadata })
}

class Recorded extends Stream {
  sent = []
  halfClosed = false
  cancelled = false

  put(push) {
    this.sent.push(push.id)
    this.taken += 1
  }

  halfClose() {
    this.halfClosed = true
  }

  cancel() {
    this.cancelled = true
  }
}

let now, books, opened
beforeEach(() => {
  now = 0
  books = new Books(PATIENCE)
  opened = []
})

const take = (...ids) => ids.forEach((id) => books.take({ id }))
const open = () => {
  opened.push(new Recorded())
  return opened.at(-1)
}
/** A turn, and one after every pause; the stream that was opened last. */
function turn(begin = true) {
  books.turn(now, open)
  now += PAUSE
  books.turn(now, open)
  if (begin) {
    opened.at(-1).begun = true
    books.turn(now, open)
  }
  return opened.at(-1)
}
const hear = (stream, indices, progress) => books.hear(stream, { results: indices.map((index) => ({ index })), progress })
const results = () => books.ended.splice(0).map((it) => [it.push.id, it.ended])

test('no push leaves before the gateway has answered', () => {
  take('a')
  assert.deepEqual(turn(false).sent, [])
  assert.deepEqual(turn().sent, ['a'])
})

test('what no gateway read is sent again, and what it read is unknown', () => {
  take('a', 'b', 'c')
  const first = turn()
  hear(first, [1], { itemsRead: 2 })
  books.close(first, ended(status.ABORTED, 'CLIENT_NOT_READING'))
  assert.deepEqual(results(), [['b', 'Answered'], ['a', 'Unknown']])
  assert.deepEqual(turn().sent, ['c'])
})

// INTERNAL of the gateway's own has no last message, which would have told how far it read.
for (const error of [ended(status.UNAVAILABLE), ended(status.INTERNAL, 'GATEWAY_BUG'), ended(status.ABORTED)]) {
  test(`where a stream breaks with ${error.code} ${error.message}, all that left is unknown`, () => {
    take('a', 'b', 'c')
    const first = turn()
    hear(first, [0], { itemsRead: 1 })
    first.taken = 2 // The last has not left this process.
    books.close(first, error)
    assert.deepEqual(results(), [['a', 'Answered'], ['b', 'Unknown']])
    assert.deepEqual(turn().sent, ['c'])
  })
}

test('a stream that drains goes on beside the next', () => {
  take('a', 'b', 'c')
  const first = turn()
  hear(first, [], { itemsRead: 2, draining: true })
  assert.ok(first.halfClosed)
  const second = turn()
  assert.deepEqual(second.sent, ['c'])
  books.endInput()
  turn()
  assert.ok(second.halfClosed)
  hear(second, [0])
  books.close(second)
  assert.ok(!books.over)
  hear(first, [1, 0])
  books.close(first)
  assert.deepEqual(results(), [['c', 'Answered'], ['b', 'Answered'], ['a', 'Answered']])
  assert.ok(books.over && !books.error)
})

test('what is repeatable is sent again and stays in doubt', () => {
  books.take({ id: 'a', options: { repeatable: true } })
  books.close(turn(), ended(status.UNAVAILABLE))
  books.close(turn(), ended(status.PERMISSION_DENIED, 'NOT_PERMITTED'))
  assert.deepEqual(opened.map((stream) => stream.sent), [['a'], ['a']])
  // The second stream read nothing, but the first may have.
  assert.deepEqual(results(), [['a', 'Unknown']])
})

test('what was not sent this time may have been before', () => {
  books.take({ id: 'a', options: { repeatable: true } })
  books.close(turn(), ended(status.UNAVAILABLE))
  const verdict = { index: 0, delivery: 'DELIVERY_NO', retryable: true }
  books.hear(turn(), { results: [verdict] })
  assert.ok(!shouldRetry(books.ended[0]))
})

test('a dry run is never in doubt', () => {
  books.take({ id: 'a', options: { dryRun: true } })
  books.close(turn(), ended(status.UNAVAILABLE))
  assert.deepEqual(turn().sent, ['a'])
  assert.deepEqual(results(), [])
})

test('a stream that cannot be opened ends the batch', () => {
  take('a')
  books.turn(now, () => {
    throw new Error('the channel is closed')
  })
  assert.deepEqual(results(), [['a', 'NotRead']])
  assert.match(books.error.message, /closed/)
  assert.ok(books.over)
})

test('a push is written on five streams at most', () => {
  take('a')
  for (let tried = 0; tried < 5; tried += 1) {
    assert.deepEqual(results(), [])
    take(`other-${tried}`)
    const stream = turn()
    hear(stream, [stream.sent.indexOf(`other-${tried}`)], { itemsRead: 0 })
    results()
    hear(stream, [], { itemsRead: 0, draining: true })
    books.close(stream)
  }
  assert.deepEqual(results(), [['a', 'NotRead']])
  assert.ok(books.takes)
})

test('streams that fail in a row end the batch', () => {
  take('a')
  for (const waited of [200, 400, 800, 1600]) {
    books.close(turn(false), ended(status.UNAVAILABLE))
    books.turn(now, open)
    const wait = books.wait(now)
    assert.ok(waited <= wait && wait <= waited * 1.25, `${wait}`)
    assert.deepEqual(results(), [])
  }
  books.close(turn(false), ended(status.UNAVAILABLE))
  assert.deepEqual(results(), [['a', 'NotRead']])
  assert.ok(books.over)
  assert.equal(books.error.code, status.UNAVAILABLE)
})

test('a refused call ends the batch at once', () => {
  take('a')
  books.close(turn(), ended(status.UNAUTHENTICATED, 'CALLER_UNKNOWN'))
  // It had begun, so that its token has expired; there may be another one by now.
  books.close(turn(false), ended(status.UNAUTHENTICATED, 'CALLER_UNKNOWN'))
  assert.deepEqual(results(), [['a', 'NotRead']])
  assert.ok(books.over)
})

test('a gateway that does not answer is given up', () => {
  take('a')
  const stream = turn(false)
  books.turn(now + PATIENCE, open)
  assert.ok(stream.cancelled)
  books.close(stream, ended(status.CANCELLED))
  assert.deepEqual(results(), [['a', 'NotRead']])
  assert.match(books.error.message, /no gateway answered/)
  assert.ok(books.over)
})
