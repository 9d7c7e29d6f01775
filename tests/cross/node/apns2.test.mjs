// A client of APNs that knows nothing of the gateway sends to the simulator.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ApnsClient, Notification, SilentNotification } from 'apns2'
import { Pool } from 'undici'
import { env } from './gateway.mjs'

let client
before(() => {
  const dir = env('FANFARE_SIMULATOR')
  const facts = JSON.parse(readFileSync(join(dir, 'simulator.json'), 'utf8'))
  client = new ApnsClient({
    team: facts.team_id, keyId: facts.key_id, signingKey: readFileSync(join(dir, 'AuthKey.p8'), 'utf8'),
    defaultTopic: facts.topics[0], keepAlive: false,
  })
  // The client speaks to port 443 and to public certificates only: the same pool, to another address.
  client.client.destroy()
  client.client = new Pool(facts.production, {
    connections: 1, allowH2: true, maxConcurrentStreams: 100,
    connect: { ca: readFileSync(join(dir, 'ca.pem')) },
  })
})
after(() => client.destroy())

const refusal = notification => client.send(notification).then(() => 'accepted', error => error)

test('a good token is accepted', async () => {
  await client.send(new Notification('600d'.repeat(16), { alert: { title: 'Hello' }, badge: 1, sound: 'default' }))
})

test('a silent notification is accepted', async () => {
  await client.send(new SilentNotification('600d'.repeat(16)))
})

test('a dead token is 410, with its time in milliseconds', async () => {
  const error = await refusal(new Notification('dead'.repeat(16), { alert: 'Hello' }))
  assert.deepEqual([error.statusCode, error.reason], [410, 'Unregistered'])
  const hours = (Date.now() - error.timestamp) / 3_600_000
  assert.ok(Math.abs(hours - 24) < 1, `gone for ${hours} hours`)
})

test('a bad token is 400', async () => {
  const error = await refusal(new Notification('0bad'.repeat(16), { alert: 'Hello' }))
  assert.deepEqual([error.statusCode, error.reason], [400, 'BadDeviceToken'])
})

test('a payload over 4,096 bytes is 413', async () => {
  const error = await refusal(new Notification('600d'.repeat(16), { alert: 'x'.repeat(4096) }))
  assert.deepEqual([error.statusCode, error.reason], [413, 'PayloadTooLarge'])
})

test('a topic of another team is refused', async () => {
  const error = await refusal(new Notification('600d'.repeat(16), { alert: 'Hello', topic: 'com.example.other' }))
  assert.deepEqual([error.statusCode, error.reason], [400, 'TopicDisallowed'])
})

test('a provider token of another key is refused', async () => {
  client._token = null
  const keyId = client.keyId
  client.keyId = 'KEY9999999'
  try {
    const error = await refusal(new Notification('600d'.repeat(16), { alert: 'Hello' }))
    assert.deepEqual([error.statusCode, error.reason], [403, 'InvalidProviderToken'])
  } finally {
    client.keyId = keyId
    client._token = null
  }
})

test('100 notifications at once are accepted', async () => {
  const notifications = Array.from({ length: 100 }, (_, n) => {
    return new Notification(`600d${n.toString(16).padStart(60, '0')}`, { alert: `number ${n}` })
  })
  const answers = await client.sendMany(notifications)
  assert.deepEqual(answers.filter(answer => answer.error), [])
})
