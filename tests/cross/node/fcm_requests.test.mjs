// The gateway's requests to FCM and Google's token endpoint, judged by a stand-in that shares nothing with it.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import { test } from 'node:test'
import { refusal, startFcm } from './fcm-stand-in.mjs'
import { withGateway } from './gateway.mjs'
import { APP } from './identity.mjs'

const withFcm = (options, body) => withGateway(dir => startFcm(dir, options), ({ service, client, ca }) => {
  return body({ fcm: service, sendPush: client.sendPush, ca })
})

const to = (fcm, content = { notification: { title: 'Hello' } }, rest = {}) => ({
  app: APP, target: { fcm }, content, ...rest,
})
const push = (registrationToken, content, rest) => to({ registrationToken }, content, rest)

// A time to live counts from when the gateway was asked, and FCM reads whole seconds.
const LESS_THAN_A_MINUTE = /^5\ds$/

// Each row is the push that is sent, and the body that arrives.
const ARRIVALS = {
  'a notification': [
    push('dT9x:APA91b', {
      notification: { title: 'Zürich', body: 'Line\n"two" 🎺', image: 'https://example.com/i.png' },
      data: { order: '17' },
    }),
    {
      message: {
        token: 'dT9x:APA91b',
        notification: { title: 'Zürich', body: 'Line\n"two" 🎺', image: 'https://example.com/i.png' },
        data: { order: '17' },
      },
    },
  ],
  'data only': [push('t', { data: { a: 'b' } }), { message: { token: 't', data: { a: 'b' } } }],
  'an installation id': [to({ fid: 'cAdGpUnTR0' }), { message: { fid: 'cAdGpUnTR0' } }],
  'a topic': [to({ topic: 'news' }), { message: { topic: 'news' } }],
  'a condition': [
    to({ condition: "'a' in topics && !('b' in topics)" }),
    { message: { condition: "'a' in topics && !('b' in topics)" } },
  ],
  'options of Android': [
    push('t', { notification: { title: 'Hello' }, fcm: { channelId: 'orders', color: '#102030' } }, {
      options: { priority: 'PRIORITY_HIGH', ttl: { seconds: 60 }, collapseKey: 'score' },
    }),
    {
      message: {
        android: {
          priority: 'HIGH', ttl: LESS_THAN_A_MINUTE, collapse_key: 'score',
          notification: { channel_id: 'orders', color: '#102030' },
        },
      },
    },
  ],
  'a raw message': [
    push('t', { fcm: { messageJson: '{"data":{"a":"b"},"android":{"priority":"NORMAL"}}' } }),
    { message: { token: 't', data: { a: 'b' }, android: { priority: 'NORMAL' } } },
  ],
  'a dry run': [push('t', undefined, { options: { dryRun: true } }), { validate_only: true, message: { token: 't' } }],
}

/** Each member of `expected` is in `found`. */
function includes(found, expected, at) {
  for (const [name, value] of Object.entries(expected)) {
    if (value instanceof RegExp) assert.match(found?.[name], value, `${at}.${name}`)
    else if (typeof value === 'object') includes(found?.[name] ?? {}, value, `${at}.${name}`)
    else assert.equal(found?.[name], value, `${at}.${name}`)
  }
}

test('the stand-in is no yes-man', async () => {
  await withFcm({}, async ({ fcm, ca }) => {
    const session = http2.connect(`https://${fcm.authority}`, { ca })
    const ask = async (path, body, headers = {}) => {
      const stream = session.request({ ':method': 'POST', ':path': path, ...headers })
      stream.end(body)
      const [answer] = await once(stream, 'response')
      stream.resume()
      return answer[':status']
    }
    const assertion = [{ alg: 'none' }, { exp: 1 }].map(it => Buffer.from(JSON.stringify(it)).toString('base64url'))
    fcm.faults.splice(0)
    assert.equal(await ask('/token', `grant_type=x&assertion=${assertion.join('.')}.AAAA`), 400)
    assert.deepEqual(fcm.faults.splice(0), [
      'content-type undefined', 'content-length undefined', 'grant_type x', 'the signature does not verify',
      'alg none, kid undefined, typ undefined', 'iss undefined', 'scope undefined', 'aud undefined', 'iat undefined',
      'exp 1',
    ])
    assert.equal(await ask('/v1/projects/other/messages:send', '{}'), 404)
    assert.deepEqual(fcm.faults.splice(0), [':path /v1/projects/other/messages:send'])
    assert.equal(await ask('/v1/projects/stand-in-project/messages:send', '[', { 'x-more': '1' }), 400)
    assert.deepEqual(fcm.faults.splice(0), [
      'content-type undefined', 'content-length undefined', 'header x-more', 'authorization is no bearer token',
      'the body is no JSON', 'the message has 0 targets',
    ])
    session.destroy()
  })
})

test('each push arrives as Google documents it, with one token for all', async () => {
  await withFcm({}, async ({ fcm, sendPush }) => {
    for (const [name, [sent, expected]] of Object.entries(ARRIVALS)) {
      const result = await sendPush(sent)
      assert.deepEqual(fcm.faults.splice(0), [], name)
      const outcome = sent.options?.dryRun ? 'OUTCOME_VALIDATED' : 'OUTCOME_ACCEPTED'
      assert.equal(result.outcome, outcome, `${name}: ${result.detail}`)
      assert.match(result.upstreamId, /^projects\/stand-in-project\/messages\/0:/, name)
      const [{ body }] = fcm.pushes.splice(0)
      includes(body, expected, name)
      assert.equal('validate_only' in body, Boolean(sent.options?.dryRun), name)
    }
    assert.equal(fcm.assertions.length, 1, 'one token for all')
    assert.equal(fcm.connections, 1, 'all on one connection')
  })
})

test('errors come back as outcomes', async () => {
  const answers = {
    gone: refusal(404, 'NOT_FOUND', 'UNREGISTERED'),
    foreign: refusal(403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH'),
    forbidden: refusal(403, 'PERMISSION_DENIED'),
    often: refusal(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED', { 'retry-after': '77' }),
    down: { status: 503, headers: { 'content-type': 'text/html' }, body: '<html>503</html>' },
  }
  await withFcm({ answers }, async ({ fcm, sendPush }) => {
    for (const [token, ...expected] of [
      ['gone', 'OUTCOME_UNREGISTERED', 'TOKEN_ACTION_DELETE', 'UNREGISTERED', 404, undefined],
      ['foreign', 'OUTCOME_INVALID_TOKEN', 'TOKEN_ACTION_DELETE', 'SENDER_ID_MISMATCH', 403, undefined],
      ['forbidden', 'OUTCOME_CREDENTIAL', 'TOKEN_ACTION_KEEP', 'PERMISSION_DENIED', 403, undefined],
      ['often', 'OUTCOME_RATE_LIMITED', 'TOKEN_ACTION_KEEP', 'QUOTA_EXCEEDED', 429, 77],
      ['down', 'OUTCOME_UPSTREAM_UNAVAILABLE', 'TOKEN_ACTION_KEEP', '', 503, 10],
    ]) {
      const result = await sendPush(push(token, undefined, { options: { maxWait: { seconds: 3 } } }))
      const { outcome, tokenAction, upstreamReason, upstreamStatus, retryAfter } = result
      assert.deepEqual([outcome, tokenAction, upstreamReason, upstreamStatus, retryAfter?.seconds], expected, token)
      assert.deepEqual([result.delivery, result.attempts], ['DELIVERY_NO', 1], token)
    }
    assert.deepEqual(fcm.faults, [])
  })
})

test('a token that was revoked is replaced by one more, and every push is accepted', async () => {
  await withFcm({}, async ({ fcm, sendPush }) => {
    assert.equal((await sendPush(push('first'))).outcome, 'OUTCOME_ACCEPTED')
    fcm.revoke()
    const results = await Promise.all(Array.from({ length: 300 }, (_, number) => sendPush(push(`t${number}`))))
    assert.deepEqual(new Set(results.map(({ outcome }) => outcome)), new Set(['OUTCOME_ACCEPTED']))
    const attempts = results.reduce((sum, result) => sum + result.attempts, 0)
    assert.equal(fcm.pushes.length, 1 + attempts, 'attempts are what arrived')
    assert.ok(attempts > 300, 'some were refused')
    assert.equal(fcm.assertions.length, 2, 'one renewal')
    assert.notEqual(fcm.assertions[0], fcm.assertions[1])
    assert.deepEqual(fcm.faults, [])
  })
})
