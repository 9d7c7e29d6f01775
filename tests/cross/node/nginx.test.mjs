// nginx is in front of the push proxy: a server that was not written here is at the other end of the HTTP/1.1 connections.
//
// It counts the requests of each connection, ends one after so many with `connection: close`, and reads bodies by their
// `content-length` before it passes them on; what came through it, the simulated push proxy answers.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { withGateway } from './gateway.mjs'
import { APP, startNginx } from './nginx.mjs'
import { startSimulator } from './simulator.mjs'
import { count, noneTwice, token, traffic, until } from './traffic.mjs'

/** How many requests nginx takes on one connection. */
const KEPT = 50

const push = number => ({
  app: APP, id: `push-${number}`, target: { mattermost: { deviceId: `apple_rn:${token(number)}` } },
  content: { notification: { title: 'Town', body: `Number ${number}` } },
})

/** A push proxy of its own, whose throttle is out of the way, and nginx before it. */
async function startBoth(dir, options) {
  const simulator = await startSimulator(join(dir, 'simulator'), '--mattermost-throttle', '1000000')
  const upstream = simulator.facts.mattermost.origin
  const nginx = await startNginx(dir, { upstream, kept: KEPT, ...options })
  return {
    ...nginx,
    stop: async () => {
      await nginx.stop()
      await simulator.stop()
    },
  }
}

for (const { tls, http, protocol } of [
  { tls: false, http: 'auto', protocol: 'HTTP/1.1' },
  { tls: true, http: 'auto', protocol: 'HTTP/1.1' },
  { tls: true, http: '2', protocol: 'HTTP/2.0' },
]) {
  test(`nginx, ${protocol} ${tls ? 'with' : 'without'} TLS: all arrive once, on connections that are kept`, async () => {
    await withGateway(dir => startBoth(dir, { tls, http }), async ({ service: nginx, client, metric }) => {
      const verdicts = await traffic(client, { singles: 600, items: 600, atOnce: 50, say: push })
      assert.deepEqual(count(verdicts), { OUTCOME_ACCEPTED: 1200 })
      // nginx writes its line when the answer is out already.
      await until(() => nginx.log().length >= 1200, 'a line for each request')
      const log = nginx.log()
      assert.equal(log.length, 1200)
      noneTwice(log.map(({ device }) => ({ token: device })))
      assert.ok(log.every(line => line.status === 200 && line.protocol === protocol), JSON.stringify(log[0]))
      const connections = new Set(log.map(({ connection }) => connection)).size
      // Each connection was used for as long as nginx allowed, but for the last one of each place in the pool.
      assert.ok(connections <= 1200 / KEPT + 16, `${connections} connections`)
      if (protocol === 'HTTP/1.1') assert.ok(log.every(({ requests }) => requests <= KEPT))
      assert.equal(await metric('fanfare_upstream_unanswered_total'), 0)
      assert.equal(nginx.errors(), '')
      console.log(`${connections} connections`)
    })
  })
}

test('what the push proxy says comes through nginx, and so does what nginx says itself', async () => {
  await withGateway(dir => startBoth(dir, { tls: true }), async ({ client }) => {
    const gone = { ...push(1), target: { mattermost: { deviceId: `apple_rn:dead${'0'.repeat(60)}` } } }
    const { outcome, tokenAction, upstreamStatus, upstreamReason } = await client.sendPush(gone)
    assert.deepEqual(
      [outcome, tokenAction, upstreamStatus, upstreamReason],
      ['OUTCOME_UNREGISTERED', 'TOKEN_ACTION_DELETE', 200, 'REMOVE'],
    )
  })
  // Nobody listens behind it, which its 502 does not tell from an answer that was cut; the operator may know better.
  for (const [front502, expected] of [
    ['unknown', ['OUTCOME_UNCONFIRMED', 'DELIVERY_MAYBE', 502, true]],
    ['not_sent', ['OUTCOME_UPSTREAM_UNAVAILABLE', 'DELIVERY_NO', 502, true]],
  ]) {
    const start = dir => startNginx(dir, { upstream: 'http://127.0.0.1:1', tls: true, kept: KEPT, front502 })
    await withGateway(start, async ({ client }) => {
      const { outcome, delivery, upstreamStatus, retryable } = await client.sendPush({
        ...push(2), options: { maxWait: { seconds: 2 } },
      })
      assert.deepEqual([outcome, delivery, upstreamStatus, retryable], expected)
    })
  }
})
