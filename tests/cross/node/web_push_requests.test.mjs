// The gateway's messages to browsers, judged and decrypted by a stand-in that shares nothing with it.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import { test } from 'node:test'
import { withGateway } from './gateway.mjs'
import { ARRIVALS, push } from './web-push-arrivals.mjs'
import { startPushService } from './web-push-stand-in.mjs'

const withPushService = (options, body) => withGateway(dir => startPushService(dir, options), ({ service, client, ca }) => {
  return body({ service, sendPush: client.sendPush, ca })
})

test('the stand-in is no yes-man', async () => {
  await withPushService({}, async ({ service, ca }) => {
    const session = http2.connect(service.origin, { ca })
    const ask = async (path, body, headers = {}) => {
      const stream = session.request({ ':method': 'POST', ':path': path, ...headers })
      stream.end(body)
      const [answer] = await once(stream, 'response')
      stream.resume()
      return answer[':status']
    }
    service.subscribe('/p/1')
    const claims = [{ alg: 'none' }, { exp: 1 }].map(it => Buffer.from(JSON.stringify(it)).toString('base64url'))
    const authorization = `vapid t=${claims.join('.')}.AAAA, k=AAAA`
    assert.equal(await ask('/p/1', 'x'.repeat(200), { authorization, 'x-more': '1' }), 400)
    assert.deepEqual(service.faults.splice(0).slice(0, -1), [
      'k AAAA', 'the signature does not verify', 'alg none, typ undefined', 'aud undefined', 'exp 1', 'sub undefined',
      'content-length undefined', 'content-encoding undefined', 'ttl undefined', 'header x-more',
    ])
    assert.equal(await ask('/p/2', '', { ttl: '1' }), 400)
    assert.deepEqual(service.faults.splice(0), [
      'the authorization is not vapid t=…, k=…', 'content-length undefined', ':path /p/2',
    ])
    session.destroy()
  })
})

test('npm http_ece reads each push as it was meant, with one token for all', async () => {
  await withPushService({}, async ({ service, sendPush }) => {
    const subscription = service.subscribe('/w/?token=BQYAAAC%2bdR%2f1%3d%3d')
    for (const [name, [content, options, plaintext, headers]] of Object.entries(ARRIVALS)) {
      const result = await sendPush(push(subscription, content, options))
      assert.deepEqual(service.faults.splice(0), [], name)
      assert.equal(result.outcome, 'OUTCOME_ACCEPTED', `${name}: ${result.detail}`)
      assert.equal(result.upstreamId, `${service.origin}/m/1`, name)
      const [message] = service.messages.splice(0)
      assert.deepEqual(message.plaintext, Buffer.from(plaintext), name)
      for (const [header, value] of Object.entries(headers)) {
        if (value instanceof RegExp) assert.match(message.headers[header], value, `${name}: ${header}`)
        else assert.equal(message.headers[header], value, `${name}: ${header}`)
      }
    }
    assert.equal(service.tokens.size, 1, 'one token for all')
    assert.equal(service.connections, 1, 'all on one connection')
  })
})

test('no two messages have a key or a salt in common', async () => {
  await withPushService({}, async ({ service, sendPush }) => {
    const subscriptions = Array.from({ length: 10 }, (_, number) => service.subscribe(`/p/${number}`))
    const all = Array.from({ length: 100 }, (_, number) => subscriptions[number % 10])
    const results = await Promise.all(all.map(subscription => sendPush(push(subscription))))
    assert.deepEqual(new Set(results.map(({ outcome }) => outcome)), new Set(['OUTCOME_ACCEPTED']))
    assert.deepEqual(service.faults, [])
    const part = (from, to) => new Set(service.messages.map(({ body }) => body.subarray(from, to).toString('hex'))).size
    assert.deepEqual([part(0, 16), part(21, 86)], [100, 100])
  })
})

test('errors come back as outcomes', async () => {
  const answers = {
    '/gone': { status: 410 },
    '/unknown': { status: 404 },
    '/large': { status: 413 },
    '/often': { status: 429, headers: { 'retry-after': '77' } },
    '/down': { status: 503, body: '<html>503</html>' },
    '/forbidden': { status: 403 },
    '/elsewhere': { status: 307, headers: { location: 'https://localhost:1/' } },
  }
  await withPushService({ answers }, async ({ service, sendPush }) => {
    for (const [path, ...expected] of [
      ['/gone', 'OUTCOME_UNREGISTERED', 'TOKEN_ACTION_DELETE', 410, undefined],
      ['/unknown', 'OUTCOME_UNREGISTERED', 'TOKEN_ACTION_DELETE', 404, undefined],
      ['/large', 'OUTCOME_PAYLOAD_TOO_LARGE', 'TOKEN_ACTION_KEEP', 413, undefined],
      ['/often', 'OUTCOME_RATE_LIMITED', 'TOKEN_ACTION_KEEP', 429, 77],
      ['/down', 'OUTCOME_UPSTREAM_UNAVAILABLE', 'TOKEN_ACTION_KEEP', 503, 10],
      ['/forbidden', 'OUTCOME_CREDENTIAL', 'TOKEN_ACTION_KEEP', 403, undefined],
    ]) {
      const result = await sendPush(push(service.subscribe(path), undefined, { maxWait: { seconds: 3 } }))
      const { outcome, tokenAction, upstreamStatus, retryAfter } = result
      assert.deepEqual([outcome, tokenAction, upstreamStatus, retryAfter?.seconds], expected, path)
      assert.equal(result.delivery, 'DELIVERY_NO', path)
    }
    const redirected = await sendPush(push(service.subscribe('/elsewhere'), undefined, { maxWait: { seconds: 3 } }))
    assert.deepEqual([redirected.outcome, redirected.upstreamStatus], ['OUTCOME_UPSTREAM_UNAVAILABLE', 307], 'not followed')
    assert.deepEqual(service.faults, [])
  })
})

test('an endpoint on a host that nobody listed, or as another user, is refused', async () => {
  await withPushService({}, async ({ service, sendPush }) => {
    const subscription = service.subscribe('/p/1')
    const port = new URL(service.origin).port
    const elsewhere = ['127.0.0.1', '[::1]', 'localhost.example', 'user@localhost']
      .map(host => `https://${host}:${port}/p/1`)
    for (const endpoint of [...elsewhere, `http://${service.authority}/p/1`]) {
      const { outcome, delivery, tokenAction, field, attempts } = await sendPush(push({ ...subscription, endpoint }))
      assert.deepEqual(
        [outcome, delivery, tokenAction, field, attempts],
        ['OUTCOME_INVALID_PUSH', 'DELIVERY_NO', 'TOKEN_ACTION_KEEP', 'target.web_push.endpoint', 0], endpoint,
      )
    }
    assert.equal(service.connections, 0)
  })
})
