// The pool sends to Node's HTTP/2 server.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import { startApns } from './apns-stand-in.mjs'
import { withGateway } from './gateway.mjs'
import { allArrivedOnce, push, token, traffic, until } from './traffic.mjs'

const withApns = (options, body) => withGateway(dir => startApns(dir, options), body)

for (const graceful of [true, false]) {
  const how = graceful ? 'session.close()' : 'a last stream id in the middle'
  test(`GOAWAY after every 100 streams, by ${how}, loses nothing of steady traffic`, async () => {
    await withApns({ goawayAfter: 100, streams: 150, graceful }, async ({ service: apns, client }) => {
      const verdicts = await traffic(client, { singles: 500, items: 1500 })
      allArrivedOnce(verdicts, apns.arrived)
      assert.deepEqual(apns.faults, [])
      assert.ok(apns.goaways >= 15, `GOAWAY ${apns.goaways} times`)
      assert.equal(apns.resets, 0)
    })
  })
}

test('100 streams are never exceeded, nor what SETTINGS change them to in flight', async () => {
  await withApns({ streams: 100, beforeAnswer: () => sleep(10) }, async ({ service: apns, client, metric }) => {
    const peaks = []
    // Limits, and for how many requests each stands. A peak is that of the time after both sides have agreed.
    const change = async () => {
      for (const [streams, requests] of [[100, 1000], [10, 200], [1, 50], [150, 1500], [100, 500]]) {
        await apns.allow(streams)
        const from = apns.arrived.length
        await until(() => apns.arrived.length >= from + requests, `${requests} with ${streams} streams`)
        peaks.push({ streams, peak: apns.peak })
      }
    }
    const [verdicts] = await Promise.all([traffic(client, { singles: 4000, items: 2000, atOnce: 400 }), change()])
    allArrivedOnce(verdicts, apns.arrived)
    assert.deepEqual(apns.faults, [])
    assert.ok(peaks.every(({ streams, peak }) => peak <= streams), JSON.stringify(peaks))
    assert.equal(peaks[0].peak, 100, 'the limit was reached')
    // Node ends a session that opens more than it agreed to.
    assert.equal(await metric('fanfare_upstream_connections_closed_total'), 0)
    assert.equal(apns.resets, 0)
    console.log(`peaks ${JSON.stringify(peaks)}, ${apns.connections} connections`)
  })
})

/** Answers wait here while the gate is closed. */
function gate() {
  let open = () => {}
  let opened = Promise.resolve()
  return {
    close: () => { opened = new Promise(resolve => { open = resolve }) },
    open: () => open(),
    pass: () => opened,
  }
}

test('5,000 callers who cancel in mid-flight reset nothing: the session lives', async () => {
  const answers = gate()
  const waves = 10
  const calls = 500
  const beforeAnswer = name => parseInt(name.slice(-8), 16) < waves * calls ? answers.pass() : undefined
  await withApns({ beforeAnswer }, async ({ service: apns, client, metric }) => {
    const first = await client.sendPush(push(1_000_000))
    assert.equal(first.outcome, 'OUTCOME_ACCEPTED')
    for (let wave = 0; wave < waves; wave += 1) {
      answers.close()
      const numbers = Array.from({ length: calls }, (_, index) => wave * calls + index)
      const ends = []
      const sent = numbers.map(number => {
        let call
        ends.push(new Promise(resolve => {
          call = client.stub.sendPush({ push: push(number) }, { deadline: Date.now() + 20_000 }, resolve)
        }))
        return call
      })
      await until(() => apns.arrived.length >= (wave + 1) * calls + wave + 1, `wave ${wave} in flight`)
      for (const call of sent) call.cancel()
      for (const error of await Promise.all(ends)) assert.equal(error?.code, 1, 'the call was cancelled')
      // The gateway knows that nobody waits for them; another caller is served meanwhile.
      await until(async () => await metric('fanfare_upstream_orphans') === calls, `${calls} orphans`)
      const other = await client.sendPush(push(1_000_001 + wave))
      assert.equal(other.outcome, 'OUTCOME_ACCEPTED')
      answers.open()
      await until(async () => await metric('fanfare_upstream_orphans') === 0, 'no orphans')
    }
    assert.equal(apns.resets, 0)
    assert.equal(apns.connections, 1, 'all on the session that lived')
    assert.equal(await metric('fanfare_upstream_connections_closed_total'), 0)
    const tokens = new Set(apns.arrived.map(({ token }) => token))
    assert.equal(tokens.size, waves * calls + waves + 1)
    assert.equal(apns.arrived.length, tokens.size, 'none twice')
    assert.ok(tokens.has(token(0)))
  })
})

const frame = (type, flags, stream, payload) => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

test('a client that resets as many has its session ended', async () => {
  await withApns({}, async ({ service: apns, ca }) => {
    const { port } = new URL(`https://${apns.authority}`)
    const socket = tls.connect({ port, host: 'localhost', servername: 'localhost', ca, ALPNProtocols: ['h2'] })
    await once(socket, 'secureConnect')
    // :method POST, :scheme https, :path /, :authority a. Source: RFC 7541, appendix A.
    const head = Buffer.from([0x83, 0x87, 0x84, 0x01, 1, 0x61])
    const cancel = Buffer.from([0, 0, 0, http2.constants.NGHTTP2_CANCEL])
    const resets = Array.from({ length: 5000 }, (_, n) => {
      return Buffer.concat([frame(1, 4, 2 * n + 1, head), frame(3, 0, 2 * n + 1, cancel)])
    })
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    socket.write(Buffer.concat([preface, frame(4, 0, 0, Buffer.alloc(0)), ...resets]))
    let read = Buffer.alloc(0)
    let goaway
    for await (const bytes of socket) {
      read = Buffer.concat([read, bytes])
      while (read.length >= 9 && read.length >= 9 + read.readUIntBE(0, 3)) {
        if (read.readUInt8(3) === 7) goaway = { lastId: read.readUInt32BE(9), code: read.readUInt32BE(13) }
        read = read.subarray(9 + read.readUIntBE(0, 3))
      }
      if (goaway) break
    }
    assert.equal(goaway?.code, http2.constants.NGHTTP2_INTERNAL_ERROR)
    assert.ok(goaway.lastId < 2 * 1500, `it took ${goaway.lastId / 2} resets`)
  })
})
