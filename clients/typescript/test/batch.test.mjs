// A batch ends with the books balanced, whatever becomes of its gateway.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { status } from '@grpc/grpc-js'
import { Client, shouldRetry } from 'fanfare-push'
import { Gateway, Simulator } from './gateway.mjs'

const PUSHES = 6000
const WINDOW = 1000

const push = (number, options = {}) => ({
  id: `push-${number}`,
  app: 'demo',
  target: { apns: { token: `90${number.toString(16).padStart(8, '0')}` } },
  content: { notification: { title: 'Hello' } },
  options,
})
const many = (options) => Array.from({ length: PUSHES }, (_, number) => push(number, options))
const count = (values) => values.reduce((counts, value) => ({ ...counts, [value]: (counts[value] ?? 0) + 1 }), {})

let simulator, gateway
beforeEach(async () => {
  // Slow enough that many pushes are in flight when their gateway ends.
  simulator = await Simulator.start('--latency', '100ms')
  gateway = await Gateway.start(simulator)
})
afterEach(async () => {
  await gateway.end('SIGKILL')
  await simulator.stop()
})

/** The results of a batch whose gateway ends in the middle, and is started again. */
async function send(sent, signal) {
  const client = new Client(gateway.address, { plaintext: true, window: WINDOW })
  const results = []
  for await (const result of client.sendBatch(sent)) {
    results.push(result)
    if (results.length === PUSHES / 3) {
      await gateway.end(signal)
      await gateway.again()
    }
  }
  client.close()
  return results
}

/** Each push has exactly one result, which is true of what arrived at the push service. */
async function balance(what, sent, results) {
  assert.deepEqual(results.map((it) => it.push.id).sort(), sent.map((it) => it.id).sort())
  const arrived = await simulator.arrived()
  for (const it of results) {
    const times = arrived.get(it.push.target.apns.token) ?? 0
    if (it.verdict?.outcome === 'OUTCOME_ACCEPTED') assert.ok(times >= 1, it.push.id)
    if (shouldRetry(it)) assert.equal(times, 0, it.push.id)
    if (!it.push.options.repeatable) assert.ok(times <= 1, it.push.id)
  }
  const counts = count(results.map((it) => it.ended))
  const twice = [...arrived.values()].filter((times) => times > 1).length
  console.log(`${what}: ${sent.length} pushes, ${JSON.stringify(counts)}, ${twice} arrived twice`)
  return counts
}

test('books balance after a gateway was killed', async () => {
  const sent = many()
  const { Answered, Unknown } = await balance('killed', sent, await send(sent, 'SIGKILL'))
  assert.equal(Answered + Unknown, PUSHES)
  assert.ok(Unknown > 0 && Unknown <= WINDOW)
})

test('what is repeatable has its verdict after a gateway was killed', async () => {
  const sent = many({ repeatable: true })
  const { Answered } = await balance('killed, repeatable', sent, await send(sent, 'SIGKILL'))
  assert.equal(Answered, PUSHES)
})

test('nothing is in doubt after a gateway was ended', async () => {
  const sent = many()
  const { Answered } = await balance('ended', sent, await send(sent, 'SIGTERM'))
  assert.equal(Answered, PUSHES)
})

test('what finds no gateway was not read', async () => {
  await gateway.end('SIGKILL')
  const client = new Client(gateway.address, { plaintext: true, deadline: 500, window: 10 })
  const [taken, results] = [[], []]
  function* pushes() {
    for (const it of many()) {
      taken.push(it)
      yield it
    }
  }
  await assert.rejects(async () => {
    for await (const result of client.sendBatch(pushes())) results.push(result)
  }, /no gateway answered within 500 ms/)
  assert.equal(taken.length, 10)
  assert.deepEqual(await balance('no gateway', taken, results), { NotRead: 10 })
  client.close()
})

test('the gateway says that it did not read what is too large', async () => {
  const client = new Client(gateway.address, { plaintext: true })
  const large = push(1)
  large.content.data = { text: 'x'.repeat(5_000_000) }
  const results = []
  await assert.rejects(async () => {
    for await (const result of client.sendBatch([large])) results.push(result)
  }, { code: status.OUT_OF_RANGE })
  assert.deepEqual(results.map((it) => it.ended), ['NotRead'])
  client.close()
})

test('pushes that are too large harm no other', async () => {
  const client = new Client(gateway.address, { plaintext: true })
  const large = many().slice(0, 64)
  for (const it of large) it.content = { data: { text: 'x'.repeat(200_000) } } // More than grpc.max_push_bytes.
  const outcomes = []
  for await (const result of client.sendBatch([...large, push(64)])) outcomes.push(result.verdict?.outcome ?? result.ended)
  assert.deepEqual(count(outcomes), { OUTCOME_PAYLOAD_TOO_LARGE: 64, OUTCOME_ACCEPTED: 1 })
  client.close()
})

test('a client that is closed ends its batches', { timeout: 30_000 }, async () => {
  const client = new Client(gateway.address, { plaintext: true, window: WINDOW })
  const results = []
  let taken = 0
  function* pushes() {
    for (const it of many({ repeatable: true })) {
      taken += 1
      yield it
    }
  }
  await assert.rejects(async () => {
    for await (const result of client.sendBatch(pushes())) {
      results.push(result.push.id)
      client.close()
    }
  })
  assert.ok(taken < PUSHES)
  assert.deepEqual(results.length, taken)
  assert.equal(new Set(results).size, taken)
})

test('a window has at least one push', () => {
  assert.throws(() => new Client(gateway.address, { plaintext: true, window: 0 }), /at least one push/)
})

test('a source that fails ends the batch when what it gave has its verdict', async () => {
  const client = new Client(gateway.address, { plaintext: true })
  const results = []
  async function* pushes() {
    yield push(1)
    throw new Error('no more')
  }
  await assert.rejects(async () => {
    for await (const result of client.sendBatch(pushes())) results.push(result)
  }, /no more/)
  assert.deepEqual(results.map((it) => it.ended), ['Answered'])
  client.close()
})

test('a push that cannot be encoded harms no other', async () => {
  const client = new Client(gateway.address, { plaintext: true })
  const wrong = push(2)
  wrong.content.notification.badge = 1.5
  const results = []
  await assert.rejects(async () => {
    for await (const result of client.sendBatch([push(1), wrong, push(3)])) results.push(result)
  }, /invalid int32/)
  assert.deepEqual(results.map((it) => [it.push.id, it.ended]), [['push-1', 'Answered']])
  await assert.rejects(client.send(wrong), /invalid int32/)
  client.close()
})

test('results come while the source is waited for, and a batch may be left', async () => {
  const client = new Client(gateway.address, { plaintext: true })
  async function* pushes() {
    yield push(1)
    await new Promise(() => {})
  }
  for await (const result of client.sendBatch(pushes())) {
    assert.equal(result.push.id, 'push-1')
    break
  }
  client.close()
})

test('no more is taken than the window holds', async () => {
  const client = new Client(gateway.address, { plaintext: true, window: 100 })
  let [taken, seen] = [0, 0]
  function* pushes() {
    for (const it of many()) {
      taken += 1
      yield it
    }
  }
  for await (const _ of client.sendBatch(pushes())) {
    seen += 1
    assert.ok(taken <= seen + 100)
    if (seen === 500) break
  }
  // The batch is over, and the client goes on.
  assert.equal((await client.send(push(PUSHES))).verdict.outcome, 'OUTCOME_ACCEPTED')
  client.close()
})
