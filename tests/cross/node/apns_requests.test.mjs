// The gateway's requests, judged by a stand-in for APNs that shares nothing with it.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import { test } from 'node:test'
import { startApns } from './apns-stand-in.mjs'
import { withGateway } from './gateway.mjs'
import { BUNDLE_ID } from './identity.mjs'

const TOKEN = '600d'.repeat(16)

const withApns = (options, body) => withGateway(dir => startApns(dir, options), ({ service, client, ca }) => {
  return body({ apns: service, sendPush: client.sendPush, ca })
})

const push = (content, rest = {}) => ({ app: 'stand-in', target: { apns: { token: TOKEN } }, content, ...rest })
const title = { title: 'Hello' }

// Each row is the push that is sent, the headers that arrive, and the payload.
const ARRIVALS = {
  'a notification': [
    push({
      notification: {
        title: 'Zürich', subtitle: 'S', body: 'Line\n"two" 🎺', sound: 'default', badge: 0, category: 'C',
        thread: 'T', image: 'https://example.com/i.png',
      },
      data: { order: '17', 'with space': 'ü' },
    }),
    { 'apns-push-type': 'alert', 'apns-priority': '10' },
    {
      aps: {
        alert: { title: 'Zürich', subtitle: 'S', body: 'Line\n"two" 🎺' }, badge: 0, sound: 'default',
        category: 'C', 'thread-id': 'T', 'mutable-content': 1,
      },
      image: 'https://example.com/i.png', order: '17', 'with space': 'ü',
    },
  ],
  'a localised, critical notification': [
    push({
      notification: {
        titleLocalized: { key: 'TITLE' }, bodyLocalized: { key: 'BODY', arguments: ['a', 'b'] },
      },
      apns: {
        interruptionLevel: 'INTERRUPTION_LEVEL_CRITICAL', relevanceScore: 0.5, targetContentId: 'window',
        filterCriteria: 'work', criticalSound: { name: 'siren', volume: 0.25 }, contentAvailable: true,
      },
    }),
    { 'apns-push-type': 'alert' },
    {
      aps: {
        alert: { 'title-loc-key': 'TITLE', 'loc-key': 'BODY', 'loc-args': ['a', 'b'] },
        'interruption-level': 'critical', 'relevance-score': 0.5, 'target-content-id': 'window',
        'filter-criteria': 'work', sound: { critical: 1, name: 'siren', volume: 0.25 },
        'content-available': 1,
      },
    },
  ],
  'data only': [
    push({ data: { a: 'b' } }),
    { 'apns-push-type': 'background', 'apns-priority': '5' },
    { aps: { 'content-available': 1 }, a: 'b' },
  ],
  'low priority, a collapse key, to be delivered now or never': [
    push({ notification: title }, {
      options: { priority: 'PRIORITY_LOW', collapseKey: 'score', ttl: { seconds: 0 } },
    }),
    { 'apns-priority': '1', 'apns-collapse-id': 'score', 'apns-expiration': '0' },
    { aps: { alert: title } },
  ],
  'an expiry': [
    push({ notification: title }, { options: { expireAt: { seconds: 4_102_444_800 } } }),
    { 'apns-expiration': '4102444800' },
    { aps: { alert: title } },
  ],
  'a raw payload, byte for byte': [
    push({ apns: { pushType: 'voip', payloadJson: '{ "aps": {}, "call": 1e2 }' } }),
    { 'apns-push-type': 'voip', 'content-length': '26' },
    { aps: {}, call: 100 },
  ],
  ...Object.fromEntries(
    ['complication', 'fileprovider', 'location', 'pushtotalk', 'widgets', 'controls'].map(type => [
      `push type ${type}`,
      push({ apns: { pushType: type, payloadJson: '{"aps":{}}' } }),
      { 'apns-push-type': type },
      { aps: {} },
    ]).map(([name, ...rest]) => [name, rest]),
  ),
  'the start of a Live Activity': [
    push({
      notification: title,
      apns: {
        liveActivity: {
          event: 'LIVE_ACTIVITY_EVENT_START', timestamp: { seconds: 1_700_000_000 },
          contentStateJson: '{"score":[1,0]}', attributesType: 'Game', attributesJson: '{"home":"A"}',
          inputPushToken: true, staleAt: { seconds: 1_700_000_600 },
        },
      },
    }),
    { 'apns-push-type': 'liveactivity', 'apns-priority': '10' },
    {
      aps: {
        alert: title, timestamp: 1_700_000_000, event: 'start', 'content-state': { score: [1, 0] },
        'attributes-type': 'Game', attributes: { home: 'A' }, 'input-push-token': 1,
        'stale-date': 1_700_000_600,
      },
    },
  ],
  'the end of a Live Activity': [
    push({
      apns: {
        liveActivity: {
          event: 'LIVE_ACTIVITY_EVENT_END', timestamp: { seconds: 1_700_000_000 },
          dismissAt: { seconds: 1_700_003_600 },
        },
      },
    }, { options: { priority: 'PRIORITY_NORMAL' } }),
    { 'apns-push-type': 'liveactivity', 'apns-priority': '5' },
    { aps: { timestamp: 1_700_000_000, event: 'end', 'dismissal-date': 1_700_003_600 } },
  ],
  'a broadcast': [
    push({
      apns: {
        liveActivity: {
          event: 'LIVE_ACTIVITY_EVENT_UPDATE', timestamp: { seconds: 1_700_000_000 },
          contentStateJson: '{"score":[1,1]}',
        },
      },
    }, { target: { apnsChannel: { channelId: 'dHN0LXNyY2gtY2hubA==' } }, options: { ttl: { seconds: 0 } } }),
    { ':path': `/4/broadcasts/apps/${BUNDLE_ID}`, 'apns-channel-id': 'dHN0LXNyY2gtY2hubA==', 'apns-expiration': '0' },
    { aps: { timestamp: 1_700_000_000, event: 'update', 'content-state': { score: [1, 1] } } },
  ],
}

test('the stand-in is no yes-man', async () => {
  await withApns({}, async ({ apns, ca }) => {
    const session = http2.connect(`https://${apns.authority}`, { ca })
    const stream = session.request({
      ':method': 'POST', ':path': '/3/device/xyz', authorization: 'bearer e30.e30.AAAA', 'apns-topic': 'other',
      'apns-push-type': 'background', 'apns-priority': '10', 'apns-id': '7', 'x-more': '1',
    })
    stream.end('[')
    const [headers] = await once(stream, 'response')
    session.destroy()
    assert.equal(headers[':status'], 400)
    assert.deepEqual(apns.faults, [
      'content-type undefined', 'content-length undefined', 'header x-more', 'apns-priority 10 for background',
      ':path /3/device/xyz', 'apns-topic other for background', 'apns-id 7', 'a signature of 3 bytes',
      'the signature does not verify', 'alg undefined, kid undefined', 'iss undefined', 'iat undefined',
      'the payload is no JSON',
    ])
  })
})

test('each push arrives as Apple documents it', async () => {
  await withApns({}, async ({ apns, sendPush }) => {
    for (const [name, [sent, headers, payload]] of Object.entries(ARRIVALS)) {
      const result = await sendPush(sent)
      assert.deepEqual(apns.faults.splice(0), [], name)
      assert.equal(result.outcome, 'OUTCOME_ACCEPTED', `${name}: ${result.detail}`)
      const [arrived] = apns.requests.splice(0)
      for (const [header, value] of Object.entries(headers)) {
        assert.equal(arrived.headers[header], value, `${name}: ${header}`)
      }
      assert.deepEqual(arrived.payload, payload, name)
      assert.equal(result.upstreamId, arrived.headers['apns-id'] ?? arrived.headers['apns-request-id'], name)
    }
    assert.equal(apns.connections, 1, 'all on one connection')
  })
})

test('a collapse key that APNs cannot take is replaced by its digest', async () => {
  await withApns({}, async ({ apns, sendPush }) => {
    await sendPush(push({ notification: title }, { options: { collapseKey: 'ü'.repeat(100) } }))
    assert.deepEqual(apns.faults, [])
    assert.match(apns.requests[0].headers['apns-collapse-id'], /^[\w-]{43}$/)
  })
})

test('every push gets through a push service that keeps saying goodbye', async () => {
  await withApns({ goawayAfter: 50 }, async ({ apns, sendPush }) => {
    const results = await Promise.all(Array.from({ length: 500 }, () => sendPush(push({ notification: title }))))
    const outcomes = new Set(results.map(({ outcome, detail }) => `${outcome} ${detail}`))
    assert.deepEqual([...outcomes], ['OUTCOME_ACCEPTED '])
    assert.deepEqual(new Set(results.map(({ attempts }) => attempts)), new Set([1]))
    assert.deepEqual(apns.faults, [])
    assert.ok(apns.goaways >= 5, `GOAWAY ${apns.goaways} times`)
    assert.ok(apns.unprocessed > 0, 'some came after it and had to be sent again')
    const ids = apns.requests.map(({ headers }) => headers['apns-id'])
    assert.equal(new Set(ids).size, 500, 'each arrived')
    assert.equal(ids.length, 500, 'and once')
  })
})
