// The pool sends to nghttpd, which knows nothing of pushes: it has a file for a browser, or has none.
//
// It proves what its frame log shows: which requests arrived whole and how often, how many streams were open, that
// none was reset; and, killed in mid-flight, that no verdict says more than is known. It never says GOAWAY, never
// changes its SETTINGS, reads no body, and answers at once; those belong to the stand-ins in Node and Go.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withGateway } from './gateway.mjs'
import { startNghttpd } from './nghttpd.mjs'
import { count, noneTwice, token, traffic } from './traffic.mjs'

const STREAMS = 50

const withNghttpd = (devices, body) => withGateway(dir => {
  return startNghttpd(dir, { streams: STREAMS, tokens: Array.from({ length: devices }, (_, n) => token(n)) })
}, body)

const arrived = ({ requests }) => requests.map(headers => ({
  token: headers[':path'].split('/').pop(),
}))

test('50 streams are reached and held, and no file means no more than that', async () => {
  // The last single pushes go to browsers that do not exist.
  const [known, singles] = [3000, 1000]
  const unknown = singles - 100
  await withNghttpd(known, async ({ service: nghttpd, client, metric }) => {
    const nobody = number => nghttpd.say(number < unknown || number >= singles ? number : known + number)
    const verdicts = await traffic(client, { singles, items: 2000, atOnce: 300, say: nobody })
    const [witness] = nghttpd.witness()
    const requests = arrived(witness)
    noneTwice(requests)
    assert.equal(requests.length, verdicts.size)
    for (let number = 0; number < 3000; number += 1) {
      const { outcome, delivery, tokenAction, upstreamStatus, upstreamReason } = verdicts.get(token(number))
      // A page that no push service gives says nothing of the subscription: it is kept.
      assert.deepEqual([outcome, delivery, tokenAction, upstreamStatus, upstreamReason],
        number < unknown || number >= singles
          ? ['OUTCOME_ACCEPTED', 'DELIVERY_ACCEPTED', 'TOKEN_ACTION_KEEP', 200, '']
          : ['OUTCOME_UPSTREAM_UNAVAILABLE', 'DELIVERY_NO', 'TOKEN_ACTION_KEEP', 404, '404 Not Found'])
    }
    assert.equal(witness.peak, STREAMS)
    assert.equal(witness.received.RST_STREAM, undefined, 'no stream was reset')
    assert.equal(witness.received.GOAWAY, undefined)
    const opened = await metric('fanfare_upstream_connections_opened_total')
    assert.equal(witness.connections.size, opened)
    assert.equal(await metric('fanfare_upstream_connections_closed_total'), 0)
    console.log(`${opened} connections, peak ${witness.peak}`)
  })
})

test('a server that is killed and started again leaves true verdicts', async () => {
  const singles = 2000
  const restarts = 4
  await withNghttpd(4000, async ({ service: nghttpd, client }) => {
    let restarted = Promise.resolve()
    const verdicts = await traffic(client, {
      singles, items: 2000, atOnce: 100, say: nghttpd.say,
      settled: done => {
        if (done % (singles / (restarts + 1)) === 0 && done < singles) restarted = restarted.then(nghttpd.restart)
      },
    })
    await restarted
    const witness = nghttpd.witness()
    const requests = witness.flatMap(arrived)
    noneTwice(requests)
    const there = new Set(requests.map(({ token }) => token))
    for (const [token, { outcome, delivery, detail }] of verdicts) {
      if (delivery === 'DELIVERY_ACCEPTED') assert.ok(there.has(token), `accepted, and never seen: ${token}`)
      if (delivery === 'DELIVERY_NO') assert.ok(!there.has(token), `said to be unsent, and seen: ${token} ${detail}`)
      assert.notEqual(outcome, 'OUTCOME_INVALID_PUSH')
    }
    const counts = count(verdicts)
    // At most the pushes that were in flight on the killed connections are in doubt.
    const limit = restarts * STREAMS * Math.max(...witness.map(({ connections }) => connections.size))
    assert.ok((counts.OUTCOME_UNCONFIRMED ?? 0) <= limit, JSON.stringify(counts))
    assert.ok(witness.every(({ peak }) => peak <= STREAMS))
    assert.equal(witness.length, restarts + 1)
    console.log(`${JSON.stringify(counts)}, ${witness.map(({ connections }) => connections.size)} connections`)
  })
})
