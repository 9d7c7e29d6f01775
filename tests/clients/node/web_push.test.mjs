// npm web-push: its errors have the answer's status, headers and body.

import assert from 'node:assert/strict'
import https from 'node:https'
import { createPrivateKey } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import webPush from 'web-push'
import { startSimulator } from '../../../examples/testing/node/fanfare-simulator.mjs'

const AT_ONCE = 2000
// web-push opens a connection for each request without an agent; this is what a sender of many would do.
const CONNECTIONS = 100

let simulator, agent
before(async () => {
  simulator = await startSimulator()
  agent = new https.Agent({ keepAlive: true, maxSockets: CONNECTIONS })
})
after(async () => {
  agent.destroy()
  await simulator.stop()
})
beforeEach(() => simulator.reset())

const subscription = name => JSON.parse(simulator.read(`subscriptions/${name}.json`))

/** The sender's key pair in the form that web-push takes. */
function vapid() {
  const { d } = createPrivateKey(simulator.read('vapid.pem')).export({ format: 'jwk' })
  return { subject: 'mailto:ops@example.com', publicKey: simulator.facts.web_push.public_key, privateKey: d }
}

const send = (to, { payload = 'Hello', vapidDetails = vapid() } = {}) =>
  webPush.sendNotification(to, payload, { vapidDetails, agent, TTL: 60 })

for (const vendor of ['mozilla', 'google', 'apple', 'microsoft']) {
  test(`${vendor} delivers what its browser decrypts`, async () => {
    assert.equal((await send(subscription(`${vendor}-good`))).statusCode, 201)
    const [entry] = await simulator.wait(1, { service: 'web_push', stage: 'settled' })
    assert.deepEqual([entry.read.plaintext, entry.may_be_delivered], [{ text: 'Hello' }, true])
  })
}

for (const [name, statusCode] of Object.entries({
  'mozilla-gone': 410, 'google-gone': 410, 'apple-gone': 410, 'microsoft-gone': 410,
  'mozilla-unknown': 404, 'google-unknown': 404, 'microsoft-unknown': 404,
  'mozilla-mismatch': 401, 'google-mismatch': 403, 'apple-mismatch': 400,
})) {
  test(`${name} is told as ${statusCode}`, () =>
    assert.rejects(send(subscription(name)), { name: 'WebPushError', statusCode }))
}

test('a throttled subscription says how long', async () => {
  for (const [name, statusCode] of [['mozilla-throttled', 429], ['google-throttled', 429], ['microsoft-throttled', 406]]) {
    const error = await send(subscription(name)).catch(error => error)
    assert.equal(error.statusCode, statusCode, name)
    assert.ok(error.headers['retry-after'], name)
  }
})

test('a payload that is too large is 413', () =>
  assert.rejects(send(subscription('mozilla-good'), { payload: 'x'.repeat(5000) }), { name: 'WebPushError', statusCode: 413 }))

test('a subscription made for another VAPID key is refused', async () => {
  const made = await simulator.call('POST', '/v1/subscriptions', {
    vendor: 'mozilla', application_server_key: simulator.facts.web_push.public_key,
  })
  assert.equal((await send(made)).statusCode, 201)
  const other = { subject: 'mailto:ops@example.com', ...webPush.generateVAPIDKeys() }
  await assert.rejects(send(made, { vapidDetails: other }), { name: 'WebPushError', statusCode: 401 })
})

test('2,000 at once are delivered', async () => {
  const to = subscription('mozilla-good')
  const answers = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => send(to, { payload: `push ${i}` })))
  assert.ok(answers.every(answer => answer.statusCode === 201))
  const entries = await simulator.wait(AT_ONCE, { service: 'web_push', stage: 'settled' })
  assert.equal(new Set(entries.map(entry => entry.read.plaintext.text)).size, AT_ONCE)
})
