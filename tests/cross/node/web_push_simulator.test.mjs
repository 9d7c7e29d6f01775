// npm web-push, which encrypts and signs on its own, sends to the simulated push services of browsers.

import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { test } from 'node:test'
import webPush from 'web-push'
import { env } from './gateway.mjs'

const VENDORS = ['mozilla', 'google', 'apple', 'microsoft']

/** The largest plaintext that a body of 4,096 bytes holds: its head is 86 bytes, the delimiter 1, the tag 16. */
const LARGEST = 4096 - 86 - 1 - 16

const read = name => readFileSync(join(env('FANFARE_SIMULATOR'), name), 'utf8')
const facts = JSON.parse(read('simulator.json')).web_push
const subscription = name => JSON.parse(read(join('subscriptions', `${name}.json`)))
const vapidDetails = {
  subject: 'mailto:ops@example.com',
  publicKey: facts.public_key,
  privateKey: createPrivateKey(read('vapid.pem')).export({ format: 'jwk' }).d,
}
const agent = new https.Agent({ ca: read('ca.pem'), keepAlive: true })

const send = (to, payload, options = {}) =>
  webPush.sendNotification(to, payload, { vapidDetails, agent, timeout: 20_000, ...options })

/** The error that web-push throws. `body` is parsed if it is JSON. */
async function refusal(sending) {
  const error = await sending.then(() => assert.fail('it was taken'), error => error)
  assert(error instanceof webPush.WebPushError, error)
  let body = error.body
  try { body = JSON.parse(body) } catch { /* plain text */ }
  return { status: error.statusCode, headers: error.headers, body }
}

for (const vendor of VENDORS) {
  test(`${vendor} takes what web-push encrypts`, async () => {
    const to = subscription(`${vendor}-good`)
    assert.equal((await send(to, 'When I grow up, I want to be a watermelon')).statusCode, 201)
    assert.equal((await send(to, 'x'.repeat(LARGEST))).statusCode, 201)
    assert.equal((await send(to, null)).statusCode, 201, 'no body')
    const options = { TTL: 60, urgency: 'high', topic: 'a-topic_of-32-characters_0123456' }
    assert.equal((await send(to, Buffer.from([0, 255]), options)).statusCode, 201)
  })

  test(`${vendor} refuses what is encrypted for another`, async () => {
    const other = subscription('mozilla-late')
    const { status } = await refusal(send({ ...subscription(`${vendor}-good`), keys: other.keys }, 'hello'))
    assert.equal(status, 400)
  })

  test(`${vendor} refuses another key than the subscription's`, async () => {
    const vapidDetails = { subject: 'mailto:ops@example.com', ...webPush.generateVAPIDKeys() }
    const { status } = await refusal(send(subscription(`${vendor}-good`), 'hello', { vapidDetails }))
    assert.equal(status, { mozilla: 401, google: 403, apple: 400, microsoft: 403 }[vendor])
  })

  test(`${vendor} says that a subscription is gone`, async () => {
    const { status, headers, body } = await refusal(send(subscription(`${vendor}-gone`), 'hello'))
    assert.equal(status, 410)
    if (vendor === 'mozilla') assert.equal(body.errno, 106)
    if (vendor === 'apple') assert.equal(body.reason, 'Unregistered')
    if (vendor === 'google') assert.equal(body, 'push subscription has unsubscribed or expired.\n')
    if (vendor === 'microsoft') assert.equal(headers['x-wns-status'], 'dropped')
  })
}

test('the answers have what their vendors put into them', async () => {
  const { headers } = await send(subscription('mozilla-good'), 'hello', { TTL: 60 })
  assert.equal(headers.ttl, '60')
  assert(headers.location.startsWith(`${facts.origin}/m/`))
  assert.match((await send(subscription('apple-good'), 'hello')).headers['apns-id'], /^[0-9A-F-]{36}$/)
  assert.equal((await send(subscription('microsoft-good'), 'hello')).headers['x-wns-status'], 'received')
  assert.equal((await send(subscription('microsoft-dropped'), 'hello')).headers['x-wns-status'], 'dropped')
})

test('a throttled subscription says when', async () => {
  const throttled = vendor => refusal(send(subscription(`${vendor}-throttled`), 'hello'))
  const seconds = await throttled('mozilla')
  assert.deepEqual([seconds.status, seconds.headers['retry-after']], [429, '7'])
  const date = await throttled('google')
  assert.equal(date.status, 429)
  assert(Date.parse(date.headers['retry-after']) > Date.now() - 20_000)
  assert.equal((await throttled('microsoft')).status, 406)
})

test('who sends, and for how long it may wait, has to be said', async () => {
  const nobody = await refusal(send(subscription('google-good'), 'hello', { vapidDetails: null }))
  assert.deepEqual([nobody.status, nobody.body], [400, 'UnauthorizedRegistration\n'])
  const microsoft = await refusal(send(subscription('microsoft-good'), 'now', { TTL: 0 }))
  assert.equal(microsoft.headers['x-wns-error-description'], 'Ttl value conflicts with X-WNS-Cache-Policy.')
  const headers = { 'X-WNS-Cache-Policy': 'no-cache' }
  assert.equal((await send(subscription('microsoft-good'), 'now', { TTL: 0, headers })).statusCode, 201)
})

test('the encryption before the RFC is refused', async () => {
  const { status } = await refusal(send(subscription('mozilla-good'), 'hello', { contentEncoding: 'aesgcm' }))
  assert.equal(status, 401, 'its WebPush scheme already is')
})

test('a message of one byte too many is refused', async () => {
  const { status, body } = await refusal(send(subscription('mozilla-good'), 'x'.repeat(LARGEST + 1)))
  assert.deepEqual([status, body.errno], [413, 104])
})
