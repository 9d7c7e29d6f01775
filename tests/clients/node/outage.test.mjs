// The same outage is in outage_test.go, test_outage.py and OutageTest.java.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startSimulator } from '../../../examples/testing/node/fanfare-simulator.mjs'
import { Sender } from './apns.mjs'

const device = number => `0a${number.toString(16).padStart(62, '0')}`

let simulator, client
before(async () => {
  simulator = await startSimulator()
  client = new Sender(simulator)
})
after(async () => {
  client.close()
  await simulator.stop()
})

/** What became of the requests for one device, in their order. */
const outcomes = async number => (await simulator.journal({ token: device(number) }))
  .map(({ outcome, status, may_be_delivered }) => [outcome, status, may_be_delivered])

async function good(from, to) {
  for (let number = from; number < to; number++) assert.equal((await client.send(device(number))).status, 200)
}

test('outage', async () => {
  await good(0, 50)
  const arrived = await simulator.wait(50, { service: 'apns_production', stage: 'settled' })
  assert.deepEqual(arrived.map(entry => entry.token), Array.from({ length: 50 }, (_, number) => device(number)))

  // A burst of 503.
  await simulator.fault({ refuse: 'unavailable' }, { times: 5 })
  for (let number = 50; number < 55; number++) {
    assert.deepEqual(await client.send(device(number)), { status: 503, reason: 'ServiceUnavailable' })
    assert.deepEqual(await outcomes(number), [['answered', 503, false]])
  }

  // GOAWAY whose last id is below that of the push: Node fails it, and the caller may send it again.
  await simulator.fault({ goaway: { last: 'before_this', reason: 'Shutdown' } })
  await assert.rejects(client.send(device(55)))
  assert.deepEqual(await outcomes(55), [['excluded', null, false]])
  await good(55, 56)
  assert.deepEqual(await outcomes(55), [['excluded', null, false], ['answered', 200, true]])

  // A stall: the push is read and never answered, so the caller's own deadline ends it.
  await simulator.fault('silence')
  await assert.rejects(client.send(device(56), AbortSignal.timeout(500)), { name: 'AbortError' })
  assert.deepEqual(await outcomes(56), [['unanswered', null, true]])

  await simulator.clearFaults()
  await good(57, 107)
  // One push was sent twice, 5 were refused, and one was never answered.
  const counts = {}
  for (const { outcome, status } of await simulator.wait(108, { service: 'apns_production' })) {
    const name = `${outcome} ${status}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  assert.deepEqual(counts, { 'answered 200': 101, 'answered 503': 5, 'excluded null': 1, 'unanswered null': 1 })
})
