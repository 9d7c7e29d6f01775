// The pool sends to a server on Go's net/http.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { env, withGateway } from './gateway.mjs'
import { configure, prepare } from './identity.mjs'
import { allArrivedOnce, traffic } from './traffic.mjs'

/** How many streams Go's server allows on a connection. Source: golang.org/x/net/http2, defaultMaxStreams. */
const GO_STREAMS = 250

/** Starts tests/cross/go; `ask(command)` gives its answer. */
async function startGo(dir, answerTakes) {
  prepare(dir)
  const server = spawn(env('FANFARE_GO_STAND_IN'), [
    '-certificate', join(dir, 'localhost.pem'), '-key', join(dir, 'localhost.key'), '-answer-takes', answerTakes,
  ], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(server, 'exit')
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]()
  const answer = async () => {
    const { value, done } = await lines.next()
    assert.ok(!done, 'the server in Go has ended')
    return JSON.parse(value)
  }
  const { port } = await answer()
  return {
    config: configure(dir, `localhost:${port}`),
    ask: async command => {
      server.stdin.write(`${command}\n`)
      return answer()
    },
    stop: async () => {
      server.stdin.end()
      await ended
    },
  }
}

const withGo = (answerTakes, body) => withGateway(dir => startGo(dir, answerTakes), body)

test('a server that shuts down with requests in flight, and is replaced, loses nothing', async () => {
  await withGo('20ms', async ({ service: go, client, metric }) => {
    const shutdowns = 5
    const singles = 1800
    let asked = Promise.resolve()
    const verdicts = await traffic(client, {
      singles, items: 3000,
      settled: done => {
        if (done % (singles / (shutdowns + 1)) === 0 && done < singles) asked = asked.then(() => go.ask('shutdown'))
      },
    })
    await asked
    const report = await go.ask('report')
    allArrivedOnce(verdicts, report.requests)
    assert.ok(report.requests.every(({ proto }) => proto === 'HTTP/2.0'))
    assert.equal(report.broken, 0)
    assert.equal(report.inFlight.length, shutdowns)
    assert.ok(report.inFlight.every(count => count > 0), `in flight at each: ${report.inFlight}`)
    assert.ok(report.peak <= GO_STREAMS, `${report.peak} at once`)
    assert.ok(await metric('fanfare_upstream_connections_closed_total', 'cause="goaway"') >= shutdowns)
    console.log(`in flight at each shutdown ${report.inFlight}, ${report.connections} connections, peak ${report.peak}`)
  })
})

test("Go's own limit of 250 streams is reached and held", async () => {
  await withGo('100ms', async ({ service: go, client, metric }) => {
    const verdicts = await traffic(client, { singles: 3000, items: 0, atOnce: 600 })
    const report = await go.ask('report')
    allArrivedOnce(verdicts, report.requests)
    assert.equal(report.peak, GO_STREAMS)
    assert.equal(await metric('fanfare_upstream_connections_closed_total'), 0)
    assert.ok(report.connections <= 4, `${report.connections} connections for 600 at once`)
    console.log(`${report.connections} connections, peak ${report.peak}`)
  })
})
