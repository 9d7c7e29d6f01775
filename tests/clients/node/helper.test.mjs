// What the helper of examples/testing does beside what the outage needs.

import assert from 'node:assert/strict'
import dns from 'node:dns'
import { after, before, beforeEach, test } from 'node:test'
import { startSimulator } from '../../../examples/testing/node/fanfare-simulator.mjs'
import { Sender } from './apns.mjs'

let simulator, sender
before(async () => {
  simulator = await startSimulator()
  sender = new Sender(simulator)
})
after(async () => {
  sender.close()
  await simulator.stop()
})
beforeEach(() => simulator.reset())

test('a fate is set, and the journal is cleared', async () => {
  await simulator.fate('apns', '0a01', { like: 'dead' })
  assert.equal((await sender.send('0a01')).reason, 'Unregistered')
  await simulator.clearJournal()
  assert.deepEqual(await simulator.journal(), [])
})

test('the clock makes a provider token old', async () => {
  await simulator.forward('61m')
  assert.equal((await sender.send('0a01')).reason, 'ExpiredProviderToken')
})

test('what cannot be done is told', () => assert.rejects(simulator.fault({ refuse: 'nothing' }), /"field"/))

test('a wait that is over says what it waited for', () =>
  assert.rejects(simulator.wait(1, { service: 'fcm' }, '10ms'), /fewer than 1 entries with {"service":"fcm"}/))

test('one that does not start says why', async () => {
  const { FANFARE_SIMULATOR } = process.env
  delete process.env.FANFARE_SIMULATOR
  await assert.rejects(startSimulator(['--nonsense']), /--nonsense/)
  process.env.FANFARE_SIMULATOR = FANFARE_SIMULATOR
})

test('nothing is looked up outside of this machine', (t, done) => {
  dns.lookup('fcm.googleapis.com', error => {
    assert.match(error.message, /a test looked up/)
    done()
  })
})
